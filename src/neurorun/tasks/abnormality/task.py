"""Is an EEG normal, and where did the network look? Classification guided by a reader's gaze."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from neurorun.core import SILENT, Config, DataError, Metric, Progress
from neurorun.data import (
    AbnormalityDataConfig,
    AbnormalityEntry,
    AbnormalityPreprocessingConfig,
    GazeExamples,
    SplitName,
    find_abnormality_recordings,
    prepare_windows,
    split_abnormality,
)
from neurorun.models import NeuroGateConfig
from neurorun.runs import Run, file_stem
from neurorun.tasks.abnormality.predicting import TotalLoss
from neurorun.tasks.abnormality.prepared import PreparedAbnormality, examples_of
from neurorun.tasks.abnormality.results import AbnormalityResults, results_of
from neurorun.tasks.abnormality.sections import (
    METRICS,
    AbnormalityEvaluationConfig,
    AbnormalitySections,
    GazeConfig,
    check_sections,
    describe_sections,
    new_network,
    sections_of,
)
from neurorun.tasks.results import OtherData


class Abnormality:
    """The task: settings in, prepared data and models out."""

    name = "abnormality"
    sections: Mapping[str, type[Config]] = {
        "data": AbnormalityDataConfig,
        "preprocessing": AbnormalityPreprocessingConfig,
        "model": NeuroGateConfig,
        "gaze": GazeConfig,
        "evaluation": AbnormalityEvaluationConfig,
    }

    def check(self, settings: Any) -> None:
        """Refuse settings that contradict each other across sections.

        Raises
        ------
        ConfigError : the window does not fit the network, or the gaze recipe the montage
        """
        check_sections(sections_of(settings))

    def metrics(self, settings: Any) -> tuple[Metric, ...]:
        """What validation will measure; the first, the loss, chooses the best epoch."""
        del settings
        return METRICS

    def describe(self, settings: Any) -> dict[str, str]:
        """The facts that follow from the settings, in words."""
        return describe_sections(sections_of(settings))

    def open_model(self, settings: Any, weights: Mapping[str, Any]) -> nn.Module:
        """Make the network of a finished run with its weights, in evaluation mode."""
        model = new_network(sections_of(settings))
        model.load_state_dict(weights)
        return model.eval()

    def prepare(self, settings: Any, *, progress: Progress = SILENT) -> PreparedAbnormality:
        """Find recordings, divide them, and bring the cache of their windows up to date.

        Raises
        ------
        DataError : there are no usable recordings, or a class is missing
        """
        sections = sections_of(settings)
        entries = find_abnormality_recordings(sections.data)
        splits = split_abnormality(entries, sections.data)
        cache = prepare_windows(entries, sections.data, sections.preprocessing, progress=progress)
        return PreparedAbnormality(
            sections, seed=settings.experiment.seed, splits=splits, cache=cache
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
    ) -> AbnormalityResults:
        """Score a trained model on a split of its run, or on all of other recordings.

        Parameters
        ----------
        model : in evaluation mode, on its device
        run : that it belongs to; its splits are used
        split : ``validation`` or ``test`` of the run; ignored where there are other data
        data : other recordings, all of which are scored under their name

        Raises
        ------
        DataError : recordings are missing or cannot be used
        """
        sections = sections_of(settings)
        examples = scored_examples(sections, run, split=split, data=data, progress=progress)
        training = None if data is not None else _training(sections, run, progress)
        weights = class_weights_of(run)
        return results_of(
            model,
            examples,
            TotalLoss(
                sections, weights if sections.data.class_balance == "weights" else (1.0, 1.0)
            ),
            split=split if data is None else data.name,
            training=training,
            progress=progress,
        )


def class_weights_of(run: Run) -> tuple[float, float]:
    """Weights that the run gave to the classes, from the counts that it kept."""
    counted = next(one for one in run.class_distributions if one.dataset == "train").distribution
    n = sum(counted.values())
    return n / (2 * counted["0"]), n / (2 * counted["1"])


def scored_examples(
    sections: AbnormalitySections,
    run: Run,
    *,
    split: SplitName,
    data: OtherData | None = None,
    progress: Progress = SILENT,
) -> GazeExamples:
    """Windows of a split of a run, or of other recordings.

    Raises
    ------
    DataError : recordings of the split are gone, or none can be used
    """
    if data is not None:
        other = sections.data.model_copy(
            update={
                "data_dir": data.place,
                "gaze_dir": None,
                "cache_dir": sections.data.cache_dir / f"other-{file_stem(data.name)}",
            }
        )
        sections = replace(sections, data=other)
        entries = find_abnormality_recordings(other)
    else:
        entries = _members(sections, run, split)
    cache = prepare_windows(entries, sections.data, sections.preprocessing, progress=progress)
    return examples_of(entries, cache, sections)


def _training(sections: AbnormalitySections, run: Run, progress: Progress) -> GazeExamples:
    return scored_examples(sections, run, split="train", progress=progress)


def _members(
    sections: AbnormalitySections, run: Run, split: SplitName
) -> tuple[AbnormalityEntry, ...]:
    wanted = run.splits.by_name[split]
    entries = find_abnormality_recordings(sections.data)
    found = tuple(entry for entry in entries if entry.recording_id in wanted)
    missing = sorted(set(wanted) - {entry.recording_id for entry in found})
    if missing:
        raise DataError(
            f"{len(missing)} recordings of the split {split} are no longer in "
            f"'{sections.data.data_dir}', for example '{missing[0]}'. Restore them."
        )
    return found


ABNORMALITY = Abnormality()
"""The task ``abnormality``."""
