"""Where on the cortex is activity? Region activity from EEG, learned from simulated sources."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from neurorun.core import SILENT, Config, DataError, Metric, Progress
from neurorun.data import SplitName
from neurorun.evaluation import LocalizationConfig
from neurorun.models import SourceModelConfig
from neurorun.runs import Run
from neurorun.simulation import (
    SourceData,
    SourceDataConfig,
    SourceExamples,
    check_source_data,
    open_source_data,
    open_source_test,
)
from neurorun.tasks.results import OtherData
from neurorun.tasks.source_localization.prepared import PreparedSourceLocalization, bench_of
from neurorun.tasks.source_localization.results import LocalizationResults, results_of
from neurorun.tasks.source_localization.sections import (
    describe_sections,
    metrics_of,
    network_for,
    sections_of,
)


class SourceLocalization:
    """The task: settings in, prepared data and models out."""

    name = "source_localization"
    sections: Mapping[str, type[Config]] = {
        "data": SourceDataConfig,
        "model": SourceModelConfig,
        "evaluation": LocalizationConfig,
    }

    def check(self, settings: Any) -> None:
        """Accept all settings: no section contradicts another."""
        del settings

    def metrics(self, settings: Any) -> tuple[Metric, ...]:
        """What validation will measure besides ``val_loss``."""
        return metrics_of(settings.evaluation)

    def describe(self, settings: Any) -> dict[str, str]:
        """The facts that follow from the settings, in words."""
        return describe_sections(sections_of(settings))

    def open_model(self, settings: Any, weights: Mapping[str, Any]) -> nn.Module:
        """Make the network of a finished run with its weights, in evaluation mode."""
        model = network_for(settings.model, weights)
        model.load_state_dict(weights)
        return model.eval()

    def prepare(self, settings: Any, *, progress: Progress = SILENT) -> PreparedSourceLocalization:
        """Read source plans and leadfield, and bring the store of waveforms up to date.

        Raises
        ------
        DataError : a file is missing or unusable, or no example is left to learn from
        """
        sections = sections_of(settings)
        seed = settings.experiment.seed
        pinned = sections.data.pin_memory and torch.cuda.is_available()
        buffers: dict[str, Any] = {"allocate": _pinned_buffer} if pinned else {}
        data = open_source_data(sections.data, seed=seed, progress=progress, **buffers)
        return PreparedSourceLocalization(sections, seed=seed, data=data)

    def look_at_data(self, settings: Any, *, progress: Progress = SILENT) -> dict[str, str]:
        """What every file, the leadfield, an example and a batch are like, and how fast they come.

        Raises
        ------
        DataError : training could not start; the message names every step that failed
        """
        found = check_source_data(settings.data, seed=settings.experiment.seed, progress=progress)
        if not found.ok:
            failed = (
                f"{step}: {words}" for step, status, words in found.rows if status == "failed"
            )
            raise DataError("; ".join(failed))
        told: dict[str, str] = {}
        for step, status, words in found.rows:
            told.setdefault(step, words if status == "ok" else f"{status}: {words}")
        return told

    def score(
        self,
        settings: Any,
        model: nn.Module,
        run: Run,
        *,
        split: SplitName,
        data: OtherData | None = None,
        progress: Progress = SILENT,
    ) -> LocalizationResults:
        """Score a trained network on examples that never change.

        Parameters
        ----------
        model : in evaluation mode, on its device
        run : that it belongs to
        split : ``validation`` or ``test`` of the run; ignored where there are other data
        data : another source plan for the same waveforms and leadfield

        Raises
        ------
        DataError : the run has no such split, or the plan cannot be used
        """
        sections, seed = sections_of(settings), settings.experiment.seed
        opened = open_source_data(sections.data, seed=seed, progress=progress)
        if data is None:
            name, examples = str(split), _split_of(opened, split, run)
        else:
            name = data.name
            examples = open_source_test(sections.data, data.place, seed=seed, progress=progress)
        return results_of(
            model,
            examples,
            bench_of(sections, opened),
            split=name,
            seed=seed,
            anatomy=opened.anatomy,
            progress=progress,
        )


def _pinned_buffer(shape: tuple[int, ...]) -> np.ndarray:
    """Page-locked memory, from which a GPU copies without a detour."""
    return torch.zeros(shape, pin_memory=True).numpy()


def _split_of(opened: SourceData, split: SplitName, run: Run) -> SourceExamples:
    examples = {"validation": opened.validation, "test": opened.test}.get(split)
    if examples is None:
        raise DataError(
            f"Run '{run.name}' has no examples of the split '{split}'; set "
            "data.test_metadata_path, or choose validation."
        )
    return examples


SOURCE_LOCALIZATION = SourceLocalization()
"""The task ``source_localization``."""
