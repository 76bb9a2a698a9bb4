"""Crack segmentation with its data ready: batches, loss, validation, and what is kept of it."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurorun.core import SILENT, DataError, Metric, Progress
from neurorun.data import ExampleLoader, ImageCorpus, ImageSplits
from neurorun.evaluation import mask_metric_declarations
from neurorun.models import build_crack_network
from neurorun.tasks.crack_segmentation.examples import CrackExamples
from neurorun.tasks.crack_segmentation.losses import CrackLoss
from neurorun.tasks.crack_segmentation.results import CrackResults
from neurorun.tasks.crack_segmentation.scoring import crack_results, evaluate_network
from neurorun.tasks.crack_segmentation.sections import CrackSegmentationSections


class PreparedCrackSegmentation:
    """The data of crack segmentation, as training and validation use them.

    Parameters
    ----------
    sections : settings of the task
    seed : that squares and intervals are drawn from
    corpus : images and masks
    splits : which of them belong where

    Raises
    ------
    DataError : nothing is marked in the images to train on
    """

    uses_criterion = True

    def __init__(
        self,
        sections: CrackSegmentationSections,
        *,
        seed: int,
        corpus: ImageCorpus,
        splits: ImageSplits,
    ) -> None:
        self._sections, self._seed = sections, seed
        self._corpus, self._splits = corpus, splits
        if not self.positive_fraction() > 0:
            raise DataError(
                f"No pixel is marked in the {len(splits.train)} images to train on, so there is "
                "nothing to learn; check the masks, or set data.mask_values."
            )
        self._examples = CrackExamples(
            corpus,
            splits.train,
            data=sections.data,
            augmentation=sections.augmentation,
            seed=seed,
        )
        self._loader = self._new_loader()
        self.metrics: tuple[Metric, ...] = mask_metric_declarations(sections.evaluation)

    def n_batches(self, epoch: int) -> int:
        """Batches of an epoch; every epoch sees as many squares."""
        del epoch
        return math.ceil(len(self._examples) / self._sections.data.batch_size)

    def batches(
        self, epoch: int, *, start: int = 0, stride: int = 1
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Squares and masks of an epoch counted from 1, in buffers that are used again."""
        return self._loader.batches(epoch - 1, first_batch=start, stride=stride)

    def loss(
        self,
        model: nn.Module,
        inputs: Float[Tensor, "batch 3 height width"],
        targets: Float[Tensor, "batch height width"],
        criterion: Any,
    ) -> dict[str, Tensor]:
        """Loss of a batch, and the two parts that it is made of."""
        return CrackLoss(self._sections.loss, criterion)(model(inputs), targets)

    def evaluate(
        self, model: nn.Module, criterion: Any, *, progress: Progress = SILENT
    ) -> dict[str, float]:
        """Mean loss over whole validation images, and every metric."""
        losses: list[float] = []
        loss = CrackLoss(self._sections.loss, criterion)
        found = evaluate_network(
            model,
            self._corpus,
            self._splits.validation,
            self._sections,
            seed=self._seed,
            watch=lambda logits, mask: losses.append(float(loss(logits, mask)["loss"])),
            progress=progress,
        )
        return {"val_loss": math.fsum(losses) / len(losses), **found.metrics}

    def positive_fraction(self) -> float:
        """Share of marked pixels in the images to train on."""
        chosen = self._corpus.chosen(self._splits.train)
        return sum(one.n_positive for one in chosen) / sum(one.n_pixels for one in chosen)

    def build_model(self) -> nn.Module:
        """Make the network, its weights drawn from the global generator of PyTorch."""
        return build_crack_network(self._sections.model)

    def data_identity(self) -> dict[str, Any]:
        """Where the data come from, and hashes that change when they do."""
        data = self._sections.data
        return {
            "dataset": data.data_dir.name,
            "data_dir": str(data.data_dir),
            "n_images": len(self._corpus.images),
            "content_fingerprint": self._corpus.fingerprint,
            "splits_fingerprint": self._splits.fingerprint,
            "left_out": {one.name: one.reason for one in self._corpus.left_out},
        }

    def members(self) -> dict[str, dict[str, str]]:
        """Per split its images; the group is the content, equal for equal images."""
        return {
            "train": self._contents(self._splits.train),
            "validation": self._contents(self._splits.validation),
            "test": self._contents(self._splits.test),
        }

    def shared_patients(self) -> tuple[str, ...]:
        """Images in several splits: none, for equal images are never divided."""
        return ()

    def class_distributions(self) -> dict[str, dict[str, int]]:
        """How many images there are with and without anything marked."""
        return {
            "train": self._kinds(self._splits.train),
            "validation": self._kinds(self._splits.validation),
            "test": self._kinds(self._splits.test),
        }

    def results(self, model: nn.Module, *, progress: Progress = SILENT) -> CrackResults:
        """Everything that is kept of the validation of a model."""
        return crack_results(
            model,
            self._corpus,
            self._splits.validation,
            self._sections,
            split="validation",
            seed=self._seed,
            progress=progress,
        )

    def _contents(self, names: Sequence[str]) -> dict[str, str]:
        return {image.name: image.content for image in self._corpus.chosen(names)}

    def _kinds(self, names: Sequence[str]) -> dict[str, int]:
        marked = [image.n_positive > 0 for image in self._corpus.chosen(names)]
        return {"with cracks": sum(marked), "without cracks": len(marked) - sum(marked)}

    def _new_loader(self) -> ExampleLoader:
        data = self._sections.data
        pinned = data.pin_memory and torch.cuda.is_available()
        return ExampleLoader(
            self._examples,
            batch_size=data.batch_size,
            order=self._examples.order,
            num_workers=data.num_workers,
            prefetch_factor=data.prefetch_factor,
            persistent_workers=data.persistent_workers,
            allocate=_pinned_buffer if pinned else None,
        )


def _pinned_buffer(shape: tuple[int, ...]) -> np.ndarray:
    """Page-locked memory, from which a GPU copies without a detour."""
    return torch.zeros(shape, pin_memory=True).numpy()
