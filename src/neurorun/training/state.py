"""Where a training stands: everything but weights, in plain values."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from neurorun.core import RunError
from neurorun.training.early_stopping import Selection
from neurorun.training.figures import EpochFigures
from neurorun.training.schedule import Plateau


@dataclass
class TrainingState:
    """The place that training has reached, and what was measured on the way.

    Parameters
    ----------
    epoch : the one in progress, 1-based
    batch : batches of this epoch that are done, over all processes
    step : optimizer steps done since the start, skipped ones included
    bad_in_a_row : skipped steps up to here without a good one between
    figures : sums of the epoch in progress
    selection : the best epoch so far
    plateau : where a schedule that follows the validation loss stands
    row : figures of the last finished epoch; empty before the first
    stop_reason : one sentence once training has ended
    """

    epoch: int = 1
    batch: int = 0
    step: int = 0
    bad_in_a_row: int = 0
    figures: EpochFigures = field(default_factory=EpochFigures)
    selection: Selection = field(default_factory=Selection)
    plateau: Plateau = field(default_factory=Plateau)
    row: dict[str, float] = field(default_factory=dict)
    stop_reason: str | None = None

    @property
    def finished_epochs(self) -> int:
        """Epochs that were trained and validated."""
        return self.epoch - 1

    def finish_epoch(self, row: dict[str, float]) -> None:
        """Go on to the next epoch; the one in progress has these figures."""
        self.row = row
        self.epoch, self.batch = self.epoch + 1, 0
        self.figures = EpochFigures()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingState":
        """Build it from what `to_dict` returned, of this version or an earlier one.

        Raises
        ------
        RunError : parts are missing that every version wrote, or there are unknown ones
        """
        known = {one.name for one in fields(cls)}
        strange = sorted((known - _LATER - values.keys()) | (values.keys() - known))
        if strange:
            raise RunError(
                f"The training state of the checkpoint differs in {', '.join(strange)} from what "
                "this neurorun reads; resume with the version that wrote it (metadata.json names "
                "it), or start a new run."
            )
        parts = {
            name: part(**values[name])
            for name, part in (
                ("figures", EpochFigures), ("selection", Selection), ("plateau", Plateau),
            )
            if name in values
        }  # fmt: skip
        return cls(**{**values, **parts})


_LATER = frozenset({"plateau"})
"""Parts that earlier versions did not write; they are then as at the start, which is exact."""
