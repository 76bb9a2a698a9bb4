"""Source localization with its data ready: batches, loss, validation, and what is kept of it."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from neurorun.core import SILENT, DataError, Metric, Progress
from neurorun.models import build_source_model
from neurorun.simulation import SourceData, SourceExamples, source_batches_on
from neurorun.tasks.source_localization.anatomy import source_space
from neurorun.tasks.source_localization.objective import figures
from neurorun.tasks.source_localization.results import LocalizationResults, mean_metrics, results_of
from neurorun.tasks.source_localization.scoring import Bench, groups_of, score_network
from neurorun.tasks.source_localization.sections import SourceLocalizationSections, metrics_of


class PreparedSourceLocalization:
    """The data of source localization, as training and validation use them.

    Parameters
    ----------
    sections : settings of the task
    seed : of the draws behind intervals
    data : source plans, waveforms and leadfield, opened

    Raises
    ------
    DataError : no example is left for validation
    """

    uses_criterion = False

    def __init__(
        self, sections: SourceLocalizationSections, *, seed: int, data: SourceData
    ) -> None:
        self._sections, self._seed, self._data = sections, seed, data
        device = sections.data.device
        self._train = data.train if device is None else source_batches_on(data.train, device)
        self.metrics: tuple[Metric, ...] = metrics_of(sections.evaluation)
        if not len(data.validation):
            raise DataError(
                f"No example is left for validation beside {len(data.train)} to train on; raise "
                "data.val_split, or give source plans with more rows."
            )

    @property
    def bench(self) -> Bench:
        """Everything that the examples are scored with."""
        return bench_of(self._sections, self._data)

    def n_batches(self, epoch: int) -> int:
        """Batches of an epoch."""
        return self._train.n_batches(epoch)

    def batches(self, epoch: int, *, start: int = 0, stride: int = 1) -> Iterator[Any]:
        """EEG and region activity of an epoch; arrays are buffers that are used again."""
        return self._train.batches(epoch, start=start, stride=stride)

    def loss(
        self,
        model: nn.Module,
        inputs: Float[Tensor, "batch channels samples"],
        targets: Any,
        criterion: Any,
    ) -> dict[str, Tensor]:
        """Mean squared error, which is minimized, and mean absolute error."""
        del criterion
        return figures(model(inputs.transpose(1, 2)), targets)

    def evaluate(
        self, model: nn.Module, criterion: Any, *, progress: Progress = SILENT
    ) -> dict[str, float]:
        """Mean errors over the validation examples, and every metric."""
        del criterion
        examples, bench = self._data.validation, self.bench
        groups = groups_of(examples, "validation")
        scored = score_network(model, examples, groups, bench, progress=progress)
        return {"val_loss": scored.mse, **mean_metrics(scored, bench)}

    def positive_fraction(self) -> float:
        """No sample is positive or negative here."""
        return math.nan

    def build_model(self) -> nn.Module:
        """Make the network for the leadfield, its weights drawn from PyTorch's own generator."""
        n_channels, n_regions = self._data.leadfield.shape
        return build_source_model(self._sections.model, n_channels=n_channels, n_regions=n_regions)

    def data_identity(self) -> dict[str, Any]:
        """Where the data come from, and hashes that change when they do."""
        return self._data.identity()

    def members(self) -> dict[str, dict[str, str]]:
        """Per split its examples, and for each of them the regions of its sources, as a hash."""
        return members_of(self._data)

    def shared_patients(self) -> tuple[str, ...]:
        """Groups that lie in several splits: their sources are the same, noise apart."""
        groups = [set(some.values()) for some in self.members().values()]
        counts = Counter(group for some in groups for group in some)
        return tuple(sorted(group for group, n in counts.items() if n > 1))

    def class_distributions(self) -> dict[str, dict[str, int]]:
        """How many examples there are at each level of noise."""
        splits = {"train": self._data.train, "validation": self._data.validation}
        if self._data.test is not None:
            splits["test"] = self._data.test
        return {name: _levels(examples) for name, examples in splits.items()}

    def results(self, model: nn.Module, *, progress: Progress = SILENT) -> LocalizationResults:
        """Everything that is kept of the validation of a model."""
        return results_of(
            model,
            self._data.validation,
            self.bench,
            split="validation",
            seed=self._seed,
            anatomy=self._data.anatomy,
            progress=progress,
        )


def members_of(data: SourceData) -> dict[str, dict[str, str]]:
    """Names of the examples of every split, each with a hash of its sources' regions."""
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    return {
        name: {} if examples is None else groups_of(examples, name)
        for name, examples in splits.items()
    }


def bench_of(sections: SourceLocalizationSections, data: SourceData) -> Bench:
    """What examples of these data are scored with."""
    return Bench(
        leadfield=data.leadfield,
        space=None if data.anatomy is None else source_space(data.anatomy),
        config=sections.evaluation,
        batch_size=sections.data.batch_size,
    )


def _levels(examples: SourceExamples) -> dict[str, int]:
    counts = Counter(f"{level:g} dB" for level in sorted(examples.plan.snr_db.tolist()))
    return dict(counts)
