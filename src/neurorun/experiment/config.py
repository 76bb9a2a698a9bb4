"""A configuration file becomes checked settings of one task."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, create_model

from neurorun.core import Config, ConfigError, nearest_of, read_settings, validate_settings
from neurorun.tasks import TASKS, Task
from neurorun.training import (
    LoggingConfig,
    MlflowConfig,
    TrainingConfig,
    WandbConfig,
    monitored_metric,
)

DEFAULT_TASK = "seizure_detection"
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class ExperimentSection(Config):
    """What the experiment is called, where its runs go, and on which device."""

    name: str = Field(default="experiment", min_length=1)
    """Name of the experiment; part of the names of its run folders."""
    description: str = ""
    """What is asked, in a sentence; shown in the report."""
    seed: int = Field(default=42, ge=0)
    """The number from which all randomness of training follows; splits have ``data.split_seed``."""
    device: Literal["auto", "cuda", "cpu", "mps"] = "auto"
    """Where the model computes; ``auto`` takes CUDA where there is one."""
    output_dir: Path = Path("runs")
    """Folder of the run folders."""
    run_name: str = "{timestamp}-{experiment}"
    """Pattern of a run folder's name."""
    log_level: LogLevel = "INFO"
    """How much goes into ``logs/training.log``."""
    wandb: WandbConfig = WandbConfig()
    """Weights & Biases, off by default."""
    mlflow: MlflowConfig = MlflowConfig()
    """MLflow, off by default."""


class ExperimentConfig(Config):
    """The sections that every task has; the sections of the task stand beside them."""

    task: str
    """Which clinical question."""
    experiment: ExperimentSection = ExperimentSection()
    """Name, place, device."""
    training: TrainingConfig = TrainingConfig()
    """How the model is trained."""
    logging: LoggingConfig = LoggingConfig()
    """How much the trackers get."""


@dataclass(frozen=True)
class Experiment:
    """Checked settings and the task that they belong to."""

    task: Task
    settings: ExperimentConfig

    @property
    def resolved(self) -> dict[str, Any]:
        """Every setting with its value, in plain types."""
        return self.settings.model_dump(mode="json")


def task_named(name: str) -> Task:
    """Find a task.

    Raises
    ------
    ConfigError : there is none of this name
    """
    if name not in TASKS:
        raise ConfigError(f"task '{name}' is not known. {nearest_of(name, TASKS)}")
    return TASKS[name]


@functools.cache
def experiment_model(task: str) -> type[ExperimentConfig]:
    """The class of all settings of a task: its own sections and those of every task.

    Raises
    ------
    ConfigError : there is no such task

    Examples
    --------
    >>> sorted(experiment_model("seizure_detection").model_fields)[:3]
    ['data', 'evaluation', 'experiment']
    """
    sections: dict[str, Any] = {
        name: (section, section()) for name, section in task_named(task).sections.items()
    }
    return create_model(
        f"{task.title().replace('_', '')}Config",
        __base__=ExperimentConfig,
        __doc__=f"Configuration of the task {task}.",
        task=(str, Field(default=task, pattern=f"^{task}$")),
        **sections,
    )


def load_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Read a configuration file; every fault is named in one line.

    Parameters
    ----------
    path : YAML file; without ``task:`` it asks for seizure detection
    overrides : ``section.key=value``, applied before anything is checked

    Raises
    ------
    ConfigError : the file, a key or a value is wrong, or settings contradict each other
    """
    return experiment_from(read_settings(path, overrides), source=str(path))


def experiment_from(settings: dict[str, Any], *, source: str) -> Experiment:
    """Check settings that were read from somewhere.

    Raises
    ------
    ConfigError : a key or a value is wrong, or settings contradict each other
    """
    task = task_named(str(settings.get("task", DEFAULT_TASK)))
    checked = validate_settings(settings, experiment_model(task.name), source=source)
    task.check(checked)
    monitored_metric(task.metrics(checked), checked.training.early_stopping)
    return Experiment(task, checked)


def resolved_plan(experiment: Experiment) -> str:
    """What a run would do: the facts that follow from the settings, then every setting."""
    facts = experiment.task.describe(experiment.settings)
    width = max(map(len, facts))
    lines = [f"{name:<{width}}  {value}" for name, value in facts.items()]
    settings = yaml.safe_dump(experiment.resolved, sort_keys=False, allow_unicode=True)
    return "\n".join([*lines, "", "Every setting:", "", settings.rstrip()])
