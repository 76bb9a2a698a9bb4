"""Write the attention maps of a finished run."""

from pathlib import Path
from typing import Literal

from neurorun.core import SILENT, Progress, RunError
from neurorun.experiment.config import experiment_from
from neurorun.experiment.opening import open_network
from neurorun.runs import amend_run, open_run
from neurorun.tasks import abnormality_sections, collect_maps, scored_examples
from neurorun.training import Device


def export_attention(
    run: Path | str,
    *,
    split: Literal["train", "validation", "test"] = "validation",
    device: Device = "auto",
    progress: Progress = SILENT,
) -> tuple[int, int]:
    """Make the attention maps that a split of a run still lacks, batch by batch.

    Parameters
    ----------
    device : where the network computes; see `open_network`

    Returns
    -------
    How many were made, and how many were there already

    Raises
    ------
    ConfigError : this machine does not have the device
    RunError : the run is of another task, has no checkpoint, or nothing in the split
    DataError : its recordings are gone
    """
    opened = open_run(run)
    experiment = experiment_from(opened.config, source=str(opened.path / "config.yaml"))
    if experiment.task.name != "abnormality":
        raise RunError(
            f"Run '{opened.name}' is of the task {experiment.task.name}, whose models have no "
            "attention map. Give a run of abnormality."
        )
    if not opened.splits.by_name.get(split):
        raise RunError(
            f"Run '{opened.name}' has nothing in the split '{split}'; it has "
            f"{', '.join(name for name, some in opened.splits.by_name.items() if some)}."
        )
    settings = experiment.settings
    sections = abnormality_sections(settings)
    model = open_network(experiment, opened.checkpoint("best")["model_state_dict"], device=device)
    examples = scored_examples(sections, opened, split=split, progress=progress)
    with amend_run(opened.path) as record:
        made = collect_maps(model, examples, sections, record, split=split, progress=progress)
    return made, len(examples) - made
