"""Seizure detection with its data ready: batches, loss, validation, and what is kept of it."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurorun.core import SILENT, DataError, Metric, Progress
from neurorun.data import (
    FULL_SHARE,
    Batch,
    Cache,
    EEGWindowDataset,
    EpochSampler,
    ExampleLoader,
    Splits,
    WindowKind,
    WindowTable,
    decode_windows,
    examples_of,
    load_manifest,
)
from neurorun.evaluation import metric_declarations
from neurorun.tasks.seizure_detection.recording_scores import MeanLoss, evaluate_model, results_of
from neurorun.tasks.seizure_detection.results import SeizureResults
from neurorun.tasks.seizure_detection.sections import SeizureDetectionSections, new_detector


class PreparedSeizureDetection:
    """The data of seizure detection, as training and validation use them.

    Parameters
    ----------
    sections : settings of the task
    seed : that the order of examples is drawn from
    splits, patients : which recordings belong where, and to whom
    train, validation : their caches

    Raises
    ------
    DataError : no window of the training recordings holds a seizure, or none is labelled
    """

    uses_criterion = True

    def __init__(
        self,
        sections: SeizureDetectionSections,
        *,
        seed: int,
        splits: Splits,
        patients: Mapping[str, str],
        train: Cache,
        validation: Cache,
    ) -> None:
        self._sections, self._splits, self._patients = sections, splits, patients
        self._train, self._validation = train, validation
        if sections.data.use_balanced_sampling:
            load_manifest(train, sections.data)
        self._windows = EEGWindowDataset(train, sections.data)
        self._sampler = EpochSampler(self._windows.table, sections.data, seed=seed)
        if not self.positive_fraction() > 0:
            raise DataError(self._why_nothing_to_learn())
        self._loader = self._new_loader()
        self.metrics: tuple[Metric, ...] = metric_declarations(sections.evaluation)

    def _why_nothing_to_learn(self) -> str:
        if self._windows.table.n_seizure_samples.any():
            return (
                f"None of the {len(self._sampler)} windows drawn for an epoch holds a seizure, "
                f"though some of all {len(self._windows)} do; raise data.max_samples."
            )
        return (
            f"The {len(self._windows)} windows of the training recordings hold no seizure to "
            "learn from; check that the annotations belong to these recordings."
        )

    def n_batches(self, epoch: int) -> int:
        """Batches of an epoch; every epoch sees as many windows."""
        del epoch
        return math.ceil(len(self._sampler) / self._sections.data.batch_size)

    def batches(self, epoch: int, *, start: int = 0, stride: int = 1) -> Iterator[Batch]:
        """Windows and masks of an epoch counted from 1, in buffers that are used again."""
        return self._loader.batches(epoch - 1, first_batch=start, stride=stride)

    def loss(
        self,
        model: nn.Module,
        inputs: Any,
        targets: Float[Tensor, "batch samples"],
        criterion: Any,
    ) -> dict[str, Tensor]:
        """Loss over all samples of a batch, and the shares of windows with and full of seizure.

        Parameters
        ----------
        inputs : windows, or their stored form, which is decoded where the model computes
        """
        share = targets.float().mean(dim=1)
        return {
            "loss": criterion(model(decode_windows(inputs)), targets),
            "share_with_seizure": (share > 0).float().mean(),
            "share_full_of_seizure": (share >= FULL_SHARE).float().mean(),
        }

    def evaluate(
        self, model: nn.Module, criterion: Any, *, progress: Progress = SILENT
    ) -> dict[str, float]:
        """Loss over all validation windows, and every metric over whole recordings."""
        loss = MeanLoss(criterion)
        found = evaluate_model(
            model, tuple(self._validation), self._sections, watch=loss.add, progress=progress
        )
        return {"val_loss": loss.mean, **found.metrics}

    def positive_fraction(self) -> float:
        """Share of seizure samples among the windows of an epoch."""
        chosen = self._windows.table.take(self._sampler.order(0))
        return float(chosen.n_seizure_samples.mean() / chosen.n_samples)

    def build_model(self) -> nn.Module:
        """Make the network, its weights drawn from the global generator of PyTorch."""
        return new_detector(self._sections)

    def data_identity(self) -> dict[str, Any]:
        """Where the data come from, and hashes that change when they do."""
        data = self._sections.data
        caches = {"train": self._train, "validation": self._validation}
        return {
            "dataset": data.dataset,
            "data_dir": str(data.data_dir),
            "split_policy": self._splits.policy,
            "splits_fingerprint": self._splits.fingerprint,
            "shared_patients": list(self._splits.shared_patients),
            "caches": {name: _identity(cache) for name, cache in caches.items()},
        }

    def members(self) -> dict[str, dict[str, str]]:
        """Per split its recordings with their patients."""
        return {
            "train": self._with_patients(self._splits.train),
            "validation": self._with_patients(self._splits.validation),
            "test": self._with_patients(self._splits.test),
        }

    def shared_patients(self) -> tuple[str, ...]:
        """Patients in several splits: none, unless the recordings were divided by files."""
        return self._splits.shared_patients

    def class_distributions(self) -> dict[str, dict[str, int]]:
        """How many windows of each kind there are, in all and in one epoch."""
        chosen = self._windows.table.take(self._sampler.order(0))
        return {
            "train": _kinds(self._windows.table),
            "train_epoch": _kinds(chosen),
            "validation": _kinds(self._validation.windows(self._sections.data)),
        }

    def results(self, model: nn.Module, *, progress: Progress = SILENT) -> SeizureResults:
        """Everything that is kept of the validation of a model."""
        return results_of(
            model, tuple(self._validation), self._sections, split="validation", progress=progress
        )

    def _with_patients(self, recordings: tuple[str, ...]) -> dict[str, str]:
        return {one: self._patients[one] for one in recordings}

    def _new_loader(self) -> ExampleLoader:
        data = self._sections.data
        pinned = data.pin_memory and torch.cuda.is_available()
        return ExampleLoader(
            examples_of(self._windows, data),
            batch_size=data.batch_size,
            order=self._sampler.order,
            num_workers=data.num_workers,
            prefetch_factor=data.prefetch_factor,
            persistent_workers=data.persistent_workers,
            allocate=_pinned_buffer if pinned else None,
        )


def _pinned_buffer(shape: tuple[int, ...]) -> np.ndarray:
    """Page-locked memory, from which a GPU copies without a detour."""
    return torch.zeros(shape, pin_memory=True).numpy()


def _kinds(table: WindowTable) -> dict[str, int]:
    return {kind.name.lower(): len(table.of_kind(kind)) for kind in WindowKind}


def _identity(cache: Cache) -> dict[str, Any]:
    return {
        "folder": str(cache.place),
        "fingerprint": cache.fingerprint,
        "content_fingerprint": cache.content_fingerprint,
        "n_recordings": len(cache),
        "left_out": {row.recording_id: row.reason for row in cache.table.rows if not row.stored},
    }
