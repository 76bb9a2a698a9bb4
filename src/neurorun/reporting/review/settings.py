"""Settings of a run that a page tells of."""

from typing import Any

from neurorun.runs import Run


def setting(run: Run, key: str) -> Any:
    """Value of a dotted setting; None if the run has no such setting.

    Runs of other people's loops may lack it; nothing is put in its place.
    """
    value: Any = run.config
    for part in key.split("."):
        value = value[part] if isinstance(value, dict) and part in value else None
    return value


def thresholds_of(run: Run) -> list[float]:
    """Probabilities at which a detection starts and ends; empty if the run has none."""
    keys = ("postprocessing.hysteresis.tau_on", "postprocessing.hysteresis.tau_off")
    return [float(value) for key in keys if (value := setting(run, key)) is not None]
