"""Where in an EEG are seizures? One probability per sample, learned from annotated recordings."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from neurorun.core import SILENT, Config, Metric, Progress
from neurorun.data import Corpus, DataConfig, PreprocessingConfig, check_data
from neurorun.evaluation import EvaluationConfig, PostprocessingConfig, metric_declarations
from neurorun.models import SeizureDetectorConfig
from neurorun.tasks.prepared_seizure_detection import PreparedSeizureDetection
from neurorun.tasks.seizure_sections import (
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

        Raises
        ------
        DataError : there are no usable recordings, or no seizure to learn from
        """
        sections = sections_of(settings)
        corpus = Corpus.find(sections.data, sections.preprocessing, progress=progress)
        splits = corpus.splits()
        return PreparedSeizureDetection(
            sections,
            seed=settings.experiment.seed,
            splits=splits,
            patients=corpus.patients,
            train=corpus.cache_of("train", splits, progress=progress),
            validation=corpus.cache_of("validation", splits, progress=progress),
        )


SEIZURE_DETECTION = SeizureDetection()
"""The task ``seizure_detection``."""
