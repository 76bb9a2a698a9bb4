"""Predict the images of a split, score them, and draw those that a reader should see."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurorun.core import SILENT, Progress
from neurorun.data import ImageCorpus
from neurorun.evaluation import ImageScore, MaskEvaluation, MaskEvaluator
from neurorun.tasks.crack_segmentation.overlays import draw_overlay
from neurorun.tasks.crack_segmentation.prediction import predict_image
from neurorun.tasks.crack_segmentation.results import CrackResults, Overlay
from neurorun.tasks.crack_segmentation.sections import CrackSegmentationSections

Watch = Callable[[Float[Tensor, "1 height width"], Float[Tensor, "1 height width"]], None]
"""Sees the logits and the mask of every image."""


def evaluate_network(
    model: nn.Module,
    corpus: ImageCorpus,
    names: Sequence[str],
    sections: CrackSegmentationSections,
    *,
    seed: int,
    chosen_threshold: float | None = None,
    watch: Watch | None = None,
    progress: Progress = SILENT,
) -> MaskEvaluation:
    """Predict whole images and score them, with an interval of the main measure.

    Parameters
    ----------
    model : in evaluation mode, on its device
    names : images to score
    seed : that the draws of the interval follow from
    chosen_threshold : that was best on validation; None if this is validation
    watch : sees logits and masks
    """
    evaluator = MaskEvaluator(sections.evaluation, chosen_threshold=chosen_threshold)
    tile = sections.data.prediction_tile
    with progress.phase("Predicting images", len(names)) as advance:
        for image in corpus.chosen(names):
            pixels = corpus.pixels(image.name)
            logits = predict_image(model, pixels.image, tile=tile)
            if watch is not None:
                watch(logits[None], torch.from_numpy(pixels.mask.astype(np.float32))[None])
            probabilities = torch.sigmoid(logits).numpy()
            evaluator.add(image.name, image.content, probabilities, pixels.mask)
            advance()
    return evaluator.result(rng=np.random.default_rng(seed))


def crack_results(
    model: nn.Module,
    corpus: ImageCorpus,
    names: Sequence[str],
    sections: CrackSegmentationSections,
    *,
    split: str,
    seed: int,
    chosen_threshold: float | None = None,
    progress: Progress = SILENT,
) -> CrackResults:
    """Score a network on a split and gather everything that a run folder keeps of it."""
    found = evaluate_network(
        model,
        corpus,
        names,
        sections,
        seed=seed,
        chosen_threshold=chosen_threshold,
        progress=progress,
    )
    chosen = worth_seeing(found.images, sections.evaluation.n_overlays)
    return CrackResults(
        split=split,
        evaluation=found,
        config=sections.evaluation,
        overlays=tuple(_overlays(model, corpus, chosen, sections)),
    )


def worth_seeing(images: Sequence[ImageScore], number: int) -> tuple[ImageScore, ...]:
    """Choose images evenly from the worst to the best, the worst first.

    Those without a defined intersection over union come last; there is none to see in them.
    """
    ranked = sorted(images, key=lambda one: (math.isnan(one.counts.iou), one.counts.iou, one.name))
    if number >= len(ranked):
        return tuple(ranked)
    places = np.linspace(0, len(ranked) - 1, number).round().astype(int)
    return tuple(ranked[place] for place in places.tolist())


def _overlays(
    model: nn.Module,
    corpus: ImageCorpus,
    scores: Sequence[ImageScore],
    sections: CrackSegmentationSections,
) -> Iterator[Overlay]:
    for score in scores:
        pixels = corpus.pixels(score.name)
        logits = predict_image(model, pixels.image, tile=sections.data.prediction_tile)
        predicted = torch.sigmoid(logits).numpy() > sections.evaluation.threshold
        yield Overlay(
            score.name, _caption(score), draw_overlay(pixels.image, pixels.mask, predicted)
        )


def _caption(score: ImageScore) -> str:
    counts = score.counts
    if counts.both_empty:
        return f"{score.name}: nothing is marked and nothing was predicted."
    return (
        f"{score.name}: intersection over union {_in_words(counts.iou)}, precision "
        f"{_in_words(counts.precision)}, recall {_in_words(counts.recall)}."
    )


def _in_words(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.2f}"
