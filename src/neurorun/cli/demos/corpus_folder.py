"""What a demo simulates lies in one folder, whole or not at all."""

import shutil
from collections.abc import Callable
from pathlib import Path

from neurorun.core import Config, DataError, Progress, read_json


def simulate_once(
    folder: Path,
    plan: Config,
    simulate: Callable[..., object],
    *,
    record: str,
    progress: Progress,
) -> None:
    """Simulate into a folder, unless all is there; what was left unfinished is made again.

    Parameters
    ----------
    folder : where the data belong
    plan : what to simulate
    simulate : called with a new folder, the plan and ``progress``
    record : file of the folder that tells, under ``plan``, what was simulated

    Raises
    ------
    DataError : the folder holds what another plan gave
    """
    if folder.exists():
        if read_json(folder / record)["plan"] != plan.model_dump(mode="json"):
            raise DataError(
                f"'{folder}' holds other data than the demo simulates; delete it, or give "
                "another folder with --out."
            )
        return
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    simulate(unfinished, plan, progress=progress)
    unfinished.rename(folder)
