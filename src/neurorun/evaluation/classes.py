"""Which labels make up which class when events are scored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from neurorun.core import BACKGROUND, NON_EPILEPTIC, SEIZURE, ScoringError
from neurorun.formats import is_seizure_label


@dataclass(frozen=True, slots=True)
class EventClasses:
    """The classes of a scoring: NEDC's label map, or simply seizure and background.

    Parameters
    ----------
    names : classes in the order in which results list them, each once
    class_of_label : class of each label; None takes the seizures of TUSZ and HED-SCORE as one class

    Raises
    ------
    ScoringError : no class holds the label ``bckg``, which fills the time between events

    Examples
    --------
    >>> EventClasses.from_lists({"seiz": ["fnsz", "gnsz"], "bckg": ["bckg"]}).of("gnsz")
    'seiz'
    """

    names: tuple[str, ...] = (SEIZURE, BACKGROUND)
    class_of_label: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if self.class_of_label is not None and BACKGROUND not in self.class_of_label:
            raise ScoringError(
                f"The classes {', '.join(self.names)} have no place for the label '{BACKGROUND}', "
                f"which fills the time between events; add it, for example as "
                f"{BACKGROUND}={BACKGROUND}."
            )

    @classmethod
    def from_lists(cls, labels_of_class: Mapping[str, Sequence[str]]) -> "EventClasses":
        """Build classes from the labels of each; a label may stand in one class only.

        Raises
        ------
        ScoringError : a label stands in two classes, or ``bckg`` in none
        """
        class_of_label: dict[str, str] = {}
        for name, labels in labels_of_class.items():
            for label in labels:
                if class_of_label.setdefault(label, name) != name:
                    raise ScoringError(
                        f"Label '{label}' stands in the classes {class_of_label[label]} and "
                        f"{name}; a label belongs to one class. Remove it from the other."
                    )
        return cls(tuple(labels_of_class), class_of_label)

    def of(self, label: str) -> str:
        """Class of one label.

        Raises
        ------
        ScoringError : no class holds it
        """
        found = (
            _two_classes(label) if self.class_of_label is None else self.class_of_label.get(label)
        )
        if found is None:
            raise ScoringError(
                f"Label '{label}' belongs to none of the classes {', '.join(self.names)}; every "
                "label of the events needs one. Add it to a class, or give it a known label."
            )
        return found

    def of_each(self, labels: Iterable[str]) -> dict[str, str]:
        """Class of every label that occurs, looked up once."""
        return {label: self.of(label) for label in set(labels)}

    @property
    def background(self) -> str:
        """Class that holds the label ``bckg``: NEDC's null class."""
        return self.of(BACKGROUND)

    @property
    def positive(self) -> str:
        """First class that is not background: the one that tables show."""
        return next(name for name in self.names if name != self.background)


def _two_classes(label: str) -> str | None:
    if label in (BACKGROUND, NON_EPILEPTIC):
        return BACKGROUND
    return SEIZURE if is_seizure_label(label) else None


TWO_CLASSES = EventClasses()
"""Seizures of every kind, and background; NEDC's default map where only ``seiz`` occurs."""
