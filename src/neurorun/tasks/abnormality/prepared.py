"""Abnormality with its data ready: batches, loss, validation, and what is kept of it."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64
from torch import Tensor, nn

from neurorun.core import SILENT, DataError, Metric, Progress
from neurorun.data import (
    AbnormalityEntry,
    GazeExamples,
    SplitName,
    WindowCache,
)
from neurorun.tasks.abnormality.predicting import TotalLoss, as_arrays, predict
from neurorun.tasks.abnormality.results import AbnormalityResults, Scorer, results_of
from neurorun.tasks.abnormality.sections import METRICS, AbnormalitySections, new_network


class PreparedAbnormality:
    """The data of the task, as training and validation use them.

    Parameters
    ----------
    sections : settings of the task
    seed : that the order of examples is drawn from
    splits : recordings of every split
    cache : prepared windows of all of them

    Raises
    ------
    DataError : train or validation has no window of one of the classes
    """

    uses_criterion = False

    def __init__(
        self,
        sections: AbnormalitySections,
        *,
        seed: int,
        splits: Mapping[SplitName, tuple[AbnormalityEntry, ...]],
        cache: WindowCache,
    ) -> None:
        self.metrics: tuple[Metric, ...] = METRICS
        self._sections, self._seed, self._splits, self._cache = sections, seed, splits, cache
        self.train = examples_of(splits["train"], cache, sections)
        self.validation = examples_of(splits["validation"], cache, sections)
        for name, examples in (("train", self.train), ("validation", self.validation)):
            if min(examples.class_counts().values()) == 0:
                raise DataError(
                    f"The split {name} has {examples.class_counts()} windows of the classes 0 "
                    "(normal) and 1 (abnormal); both are needed. See the log for recordings that "
                    "were left out."
                )
        self.total = TotalLoss(sections, self.class_weights())
        self._scorer = Scorer(sections, self.total)

    def class_weights(self) -> tuple[float, float]:
        """Weights of the cross-entropy, of mean 1 over the training windows."""
        if self._sections.data.class_balance != "weights":
            return 1.0, 1.0
        counts = self.train.class_counts()
        n = len(self.train)
        return n / (2 * counts[0]), n / (2 * counts[1])

    def order(self, epoch: int) -> Int64[np.ndarray, " examples"]:
        """Which windows an epoch sees, in which order; a function of seed and epoch."""
        rng = np.random.default_rng([self._seed, epoch])
        n = len(self.train)
        if self._sections.data.class_balance != "sampler":
            return rng.permutation(n).astype(np.int64)
        counts = self.train.class_counts()
        shares = np.array([0.5 / counts[label] for label in self.train.labels.tolist()])
        return rng.choice(n, n, p=shares / shares.sum()).astype(np.int64)

    def n_batches(self, epoch: int) -> int:
        """Batches of an epoch; every epoch sees as many windows."""
        del epoch
        return -(-len(self.train) // self._sections.data.batch_size)

    def batches(
        self, epoch: int, *, start: int = 0, stride: int = 1
    ) -> Iterator[tuple[Float32[np.ndarray, "batch channels samples"], dict[str, np.ndarray]]]:
        """Windows with label, gaze map, and how much each counts in the gaze loss of the epoch."""
        order = self.order(epoch).tolist()
        n_looked_at = int(self.train.has_gaze[order].sum())
        size = self._sections.data.batch_size
        starts = range(start * size, len(order), stride * size)
        groups = [order[first : first + size] for first in starts]
        share = len(order) / n_looked_at if n_looked_at else 0.0
        made = self.train.batches(groups, n_ahead=self._sections.data.num_workers)
        for inputs, targets in made:
            counts = (targets["has_gaze"] * share).astype(np.float32)
            yield inputs, {**as_arrays(targets), "gaze_share": counts}

    def loss(
        self, model: nn.Module, inputs: Any, targets: Any, criterion: Any
    ) -> Mapping[str, Tensor]:
        """Total loss of a batch and its parts.

        The mean of the total over an epoch is the mean cross-entropy plus the weight times the
        mean gaze loss over windows with gaze, as in validation. ``gaze_samples`` and
        ``gaze_batches`` become counts of the epoch when they are averaged over its windows.
        """
        del criterion
        output = model(inputs, True)
        cls, distance = self.total.per_window(output["logits"], output["attention_map"], targets)
        cls_loss, gaze = cls.mean(), (targets["gaze_share"] * distance).mean()
        weighted = self.total.gaze_weight * gaze
        n_epoch, n_batch = len(self.train), len(cls)
        n_looked_at = (targets["has_gaze"] > 0).double().sum()
        unknown = float("nan") if not self.train.has_gaze.any() else 0.0
        hits = (output["logits"].argmax(dim=1) == targets["label"]).double()
        return {
            "loss": cls_loss + weighted,
            "cls_loss": cls_loss,
            "gaze_loss": gaze + unknown,
            "gaze_loss_weighted": weighted + unknown,
            "acc": 100 * hits.mean(),
            "gaze_samples": n_looked_at * n_epoch / n_batch,
            "gaze_batches": (n_looked_at > 0).double() * n_epoch / n_batch,
        }

    def evaluate(
        self, model: nn.Module, criterion: Any, *, progress: Progress = SILENT
    ) -> dict[str, float]:
        """Loss and metrics on the validation windows, with the counts behind them."""
        del criterion
        found = predict(model, self.validation, self.total, progress=progress)
        return self._scorer.figures(found)

    def positive_fraction(self) -> float:
        """Share of abnormal windows among those trained on."""
        return float(self.train.labels.mean())

    def build_model(self) -> nn.Module:
        """Make the network, its weights drawn from the global generator of PyTorch."""
        return new_network(self._sections)

    def data_identity(self) -> dict[str, Any]:
        """Where the data come from, and hashes that change when they do."""
        data = self._sections.data
        return {
            "data_dir": str(data.data_dir),
            "cache": str(self._cache.folder),
            "fingerprint": self._cache.fingerprint,
            "n_windows": {"train": len(self.train), "validation": len(self.validation)},
            "n_windows_with_gaze": {
                "train": int(self.train.has_gaze.sum()),
                "validation": int(self.validation.has_gaze.sum()),
            },
            "channels": list(self._sections.channels),
            "left_out": dict(self._cache.left_out),
        }

    def members(self) -> dict[str, dict[str, str]]:
        """Per split its recordings with their patients."""
        return {
            name: {entry.recording_id: entry.patient for entry in entries}
            for name, entries in self._splits.items()
        }

    def shared_patients(self) -> tuple[str, ...]:
        """Patients in several splits: none."""
        return ()

    def class_distributions(self) -> dict[str, dict[str, int]]:
        """Windows of each class in every split that has any, counted without reading a signal."""
        windows = {
            name: self._cache.of([entry.recording_id for entry in entries])
            for name, entries in self._splits.items()
        }
        return {
            name: {str(label): sum(w.row.label == label for w in some) for label in (0, 1)}
            for name, some in windows.items()
            if some
        }

    def results(self, model: nn.Module, *, progress: Progress = SILENT) -> AbnormalityResults:
        """Everything that is kept of the validation of a model."""
        return results_of(
            model,
            self.validation,
            self.total,
            split="validation",
            training=self.train,
            progress=progress,
        )


def examples_of(
    entries: tuple[AbnormalityEntry, ...], cache: WindowCache, sections: AbnormalitySections
) -> GazeExamples:
    """Windows of some recordings with their gaze."""
    return GazeExamples(
        cache.of([entry.recording_id for entry in entries]),
        entries,
        sections.gaze,
        montage=sections.preprocessing.montage,
        rate_hz=sections.data.sampling_rate,
    )
