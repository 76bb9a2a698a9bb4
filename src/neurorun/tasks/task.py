"""What the experiment knows of a task: its settings, and what they become."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from torch import nn

from neurorun.core import SILENT, Config, Metric, Progress
from neurorun.data import SplitName
from neurorun.runs import Run
from neurorun.tasks.results import OtherData, Results


@runtime_checkable
class PreparedTask(Protocol):
    """A task whose data are ready: what the training loop asks of it, and what is kept of it.

    The members that the training loop uses are described in its own protocol.
    """

    metrics: tuple[Metric, ...]
    uses_criterion: bool

    def n_batches(self, epoch: int) -> int:
        """Batches of an epoch."""
        ...

    def batches(self, epoch: int, *, start: int = 0, stride: int = 1) -> Iterator[Any]:
        """Inputs and targets of batches of an epoch."""
        ...

    def loss(
        self, model: nn.Module, inputs: Any, targets: Any, criterion: Any
    ) -> Mapping[str, Any]:
        """Figures of one batch."""
        ...

    def evaluate(
        self, model: nn.Module, criterion: Any, *, progress: Progress
    ) -> Mapping[str, float]:
        """Metrics on validation."""
        ...

    def positive_fraction(self) -> float:
        """Share of positive samples in what is trained on."""
        ...

    def build_model(self) -> nn.Module:
        """Make the network, its weights drawn from the global generator of PyTorch."""
        ...

    def data_identity(self) -> dict[str, Any]:
        """Names, counts and fingerprints of the data, for the run folder."""
        ...

    def members(self) -> Mapping[str, Mapping[str, str]]:
        """Per split the recordings (or images) with their patients (or groups)."""
        ...

    def shared_patients(self) -> tuple[str, ...]:
        """Patients (or groups) that lie in several splits; only where the settings ask for it."""
        ...

    def class_distributions(self) -> Mapping[str, Mapping[str, int]]:
        """Per dataset how many examples there are of each kind."""
        ...

    def results(self, model: nn.Module, *, progress: Progress = SILENT) -> Results:
        """Everything that is kept of the validation of a model."""
        ...


@runtime_checkable
class Task(Protocol):
    """A clinical question: its settings, and how they become data, model and scores.

    Attributes
    ----------
    name : as in ``task:`` of a configuration
    sections : settings of its own, by section
    """

    name: str
    sections: Mapping[str, type[Config]]

    def check(self, settings: Any) -> None:
        """Refuse settings that contradict each other across sections."""
        ...

    def metrics(self, settings: Any) -> tuple[Metric, ...]:
        """What validation will measure besides ``val_loss``."""
        ...

    def describe(self, settings: Any) -> dict[str, str]:
        """The facts that follow from the settings, in words, without touching any data."""
        ...

    def prepare(self, settings: Any, *, progress: Progress = SILENT) -> PreparedTask:
        """Find and prepare the data.

        Raises
        ------
        DataError : there are none, or not what the question needs
        """
        ...

    def open_model(self, settings: Any, weights: Mapping[str, Any]) -> nn.Module:
        """Make the network of a finished run with its weights, ready to predict."""
        ...

    def score(
        self,
        settings: Any,
        model: nn.Module,
        run: Run,
        *,
        split: SplitName,
        data: OtherData | None = None,
        progress: Progress = SILENT,
    ) -> Results:
        """Score a trained model on a split of its run, or on all of other data.

        Parameters
        ----------
        model : in evaluation mode, on its device
        run : that it belongs to; what was chosen on validation is used as it is
        split : that the run has members of; ignored where there are other data
        data : other data, all of which are scored under their name

        Raises
        ------
        DataError : data are missing or cannot be scored
        """
        ...


@runtime_checkable
class LooksAtData(Protocol):
    """A task that has more to tell of its data than every task has."""

    def look_at_data(self, settings: Any, *, progress: Progress = SILENT) -> Mapping[str, str]:
        """What was found, by the step that found it.

        Raises
        ------
        DataError : the data cannot be used; the message names everything that is wrong
        """
        ...
