"""Where in an EEG are seizures? One probability per sample, learned from annotated recordings."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from neurorun.core import SILENT, Config, Metric, Progress
from neurorun.data import (
    FOLDER_OF_SPLIT,
    Cache,
    Corpus,
    DataConfig,
    PreprocessingConfig,
    SplitName,
    check_data,
)
from neurorun.evaluation import EvaluationConfig, PostprocessingConfig, metric_declarations
from neurorun.models import SeizureDetectorConfig
from neurorun.runs import Run, file_stem
from neurorun.tasks.results import OtherData
from neurorun.tasks.seizure_detection.prepared import PreparedSeizureDetection
from neurorun.tasks.seizure_detection.recording_scores import results_of
from neurorun.tasks.seizure_detection.results import SeizureResults, frozen_points
from neurorun.tasks.seizure_detection.sections import (
    SeizureDetectionSections,
    describe_sections,
    new_detector,
    sections_of,
)


class SeizureDetection:
    """The task: settings in, prepared data and models out."""

    name = "seizure_detection"
    sections: Mapping[str, type[Config]] = {
        "data": DataConfig,
        "preprocessing": PreprocessingConfig,
        "model": SeizureDetectorConfig,
        "postprocessing": PostprocessingConfig,
        "evaluation": EvaluationConfig,
    }

    def check(self, settings: Any) -> None:
        """Refuse settings that contradict each other across sections.

        Raises
        ------
        ConfigError : channels do not fit the montage, or the band does not fit the rate
        """
        check_data(settings.data, settings.preprocessing)

    def metrics(self, settings: Any) -> tuple[Metric, ...]:
        """What validation will measure besides ``val_loss``."""
        return metric_declarations(settings.evaluation)

    def describe(self, settings: Any) -> dict[str, str]:
        """The facts that follow from the settings, in words."""
        return describe_sections(sections_of(settings))

    def open_model(self, settings: Any, weights: Mapping[str, Any]) -> nn.Module:
        """Make the network of a finished run with its weights, in evaluation mode."""
        model = new_detector(sections_of(settings))
        model.load_state_dict(weights)
        return model.eval()

    def prepare(self, settings: Any, *, progress: Progress = SILENT) -> PreparedSeizureDetection:
        """Find recordings, divide them, and bring their caches up to date.

        That of the test split is brought up to date, too: what is wrong with it is told before
        training, not after it.

        Raises
        ------
        DataError : there are no usable recordings, or no seizure to learn from
        """
        sections = sections_of(settings)
        corpus = Corpus.find(sections.data, sections.preprocessing, progress=progress)
        splits = corpus.splits()
        if splits.of("test"):
            corpus.cache_of("test", splits, progress=progress)
        return PreparedSeizureDetection(
            sections,
            seed=settings.experiment.seed,
            splits=splits,
            patients=corpus.patients,
            train=corpus.cache_of("train", splits, progress=progress),
            validation=corpus.cache_of("validation", splits, progress=progress),
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
    ) -> SeizureResults:
        """Score a trained detector on whole recordings, with the thresholds of its run.

        Parameters
        ----------
        model : in evaluation mode, on its device
        run : that it belongs to; its splits and its frozen thresholds are used
        split : ``validation`` or ``test`` of the run; ignored where there are other data
        data : other recordings, all of which are scored under their name

        Raises
        ------
        DataError : recordings are missing or not annotated
        """
        sections = sections_of(settings)
        name: str
        if data is None:
            name, cache = split, _cache_of_split(sections, run, split, progress)
        else:
            name, cache = data.name, _cache_of_other(sections, data, progress)
        return results_of(
            model,
            tuple(cache),
            sections,
            split=name,
            operating_points=None if name == "validation" else frozen_points(run),
            progress=progress,
        )


def _cache_of_other(
    sections: SeizureDetectionSections, data: OtherData, progress: Progress
) -> Cache:
    other = sections.data.model_copy(update={"data_dir": data.place, "dataset": "auto"})
    corpus = Corpus.find(other, sections.preprocessing, progress=progress)
    place = other.cache_dir / f"other-{file_stem(data.name)}"
    return corpus.cache(None, place, progress=progress)


def _cache_of_split(
    sections: SeizureDetectionSections, run: Run, split: SplitName, progress: Progress
) -> Cache:
    corpus = Corpus.find(sections.data, sections.preprocessing, progress=progress)
    folder = sections.data.cache_dir / FOLDER_OF_SPLIT[split]
    return corpus.cache(tuple(run.splits.by_name[split]), folder, progress=progress)


SEIZURE_DETECTION = SeizureDetection()
"""The task ``seizure_detection``."""
