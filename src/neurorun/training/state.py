"""Where a training stands: everything but weights, in plain values."""

from dataclasses import asdict, dataclass, field
from typing import Any

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
        """Build it from what `to_dict` returned."""
        figures, selection = EpochFigures(**values["figures"]), Selection(**values["selection"])
        plateau = Plateau(**values["plateau"])
        parts = {"figures": figures, "selection": selection, "plateau": plateau}
        return cls(**{**values, **parts})
