"""Where in a picture of a surface are cracks? One probability per pixel, learned from masks."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from neurorun.core import SILENT, Config, DataError, Metric, Progress
from neurorun.data import ImageCorpus, ImageDataConfig, SplitName
from neurorun.evaluation import MaskEvaluationConfig, mask_metric_declarations
from neurorun.models import CrackNetworkConfig, build_crack_network
from neurorun.runs import Run
from neurorun.tasks.crack_segmentation.augmentation import AugmentationConfig
from neurorun.tasks.crack_segmentation.losses import CrackLossConfig
from neurorun.tasks.crack_segmentation.prepared import PreparedCrackSegmentation
from neurorun.tasks.crack_segmentation.results import CrackResults, frozen_threshold
from neurorun.tasks.crack_segmentation.scoring import crack_results
from neurorun.tasks.crack_segmentation.sections import (
    crack_sections_of,
    describe_crack_sections,
)
from neurorun.tasks.results import OtherData


class CrackSegmentation:
    """The task: settings in, prepared data and models out."""

    name = "crack_segmentation"
    sections: Mapping[str, type[Config]] = {
        "data": ImageDataConfig,
        "augmentation": AugmentationConfig,
        "model": CrackNetworkConfig,
        "loss": CrackLossConfig,
        "evaluation": MaskEvaluationConfig,
    }

    def check(self, settings: Any) -> None:
        """Nothing contradicts across sections."""
        del settings

    def metrics(self, settings: Any) -> tuple[Metric, ...]:
        """What validation will measure besides ``val_loss``."""
        return mask_metric_declarations(settings.evaluation)

    def describe(self, settings: Any) -> dict[str, str]:
        """The facts that follow from the settings, in words."""
        return describe_crack_sections(crack_sections_of(settings))

    def open_model(self, settings: Any, weights: Mapping[str, Any]) -> nn.Module:
        """Make the network of a finished run with its weights, in evaluation mode."""
        model = build_crack_network(settings.model, trained=False)
        model.load_state_dict(weights)
        return model.eval()

    def prepare(self, settings: Any, *, progress: Progress = SILENT) -> PreparedCrackSegmentation:
        """Find images and masks, look through them, and divide them.

        Raises
        ------
        DataError : there are no usable images, too few of them, or nothing is marked in them
        """
        sections = crack_sections_of(settings)
        corpus = ImageCorpus.find(sections.data, progress=progress)
        return PreparedCrackSegmentation(
            sections,
            seed=settings.experiment.seed,
            corpus=corpus,
            splits=corpus.splits(sections.data),
        )

    def score(
        self,
        settings: Any,
        model: nn.Module,
        run: Run,
        *,
        split: SplitName,
        data: OtherData | None = None,
        progress: Progress = SILENT,
    ) -> CrackResults:
        """Score a trained network on whole images, with the threshold that its run chose.

        Parameters
        ----------
        model : in evaluation mode, on its device
        run : that it belongs to; its splits and its frozen threshold are used
        split : ``validation`` or ``test`` of the run; ignored where there are other data
        data : other images with masks, all of which are scored under their name

        Raises
        ------
        DataError : images are missing, or were changed since the run was trained
        """
        sections = crack_sections_of(settings)
        name: str = split if data is None else data.name
        place = sections.data.data_dir if data is None else data.place
        config = sections.data.model_copy(update={"data_dir": place})
        corpus = ImageCorpus.find(config, progress=progress)
        if data is None:
            names = _unchanged(corpus, run.splits.by_name[split])
        else:
            names = tuple(image.name for image in corpus.images)
        return crack_results(
            model,
            corpus,
            names,
            sections,
            split=name,
            seed=settings.experiment.seed,
            chosen_threshold=None if name == "validation" else frozen_threshold(run),
            progress=progress,
        )


def _unchanged(corpus: ImageCorpus, members: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the members, if every one is there with the pixels that it had."""
    found = {image.name: image.content for image in corpus.images}
    other = sorted(name for name, content in members.items() if found.get(name) != content)
    if other:
        raise DataError(
            f"{len(other)} of {len(members)} images of the split are missing or were changed since "
            f"the run was trained, the first is '{other[0]}'. Restore them, or give other data."
        )
    return tuple(members)


CRACK_SEGMENTATION = CrackSegmentation()
"""The task ``crack_segmentation``."""
