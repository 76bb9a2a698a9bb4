"""Entry of the SzCORE container: seizures of /data/$INPUT are written to /output/$OUTPUT.

Both variables are paths relative to the two volumes. The thresholds are those of the run's
configuration, or, with FA_RATE, those that it chose on validation for so many false alarms a day.
The network computes on CUDA where there is any, and on the CPU elsewhere, wherever it was trained.
"""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path

from neurorun.core import ConfigError, NeurorunError
from neurorun.experiment import Detector, detect_file


def main() -> int:
    """Detect in one recording; 2 if it, the run or the variables cannot be used."""
    parser = ArgumentParser(description=__doc__)
    for name, default in (("run", "/opt/run"), ("data", "/data"), ("output", "/output")):
        parser.add_argument(f"--{name}", type=Path, default=Path(default))
    places = parser.parse_args()
    try:
        recording = places.data / _variable("INPUT")
        events = places.output / _variable("OUTPUT")
        detector = Detector.open(places.run, fa_rate=_fa_rate(os.environ.get("FA_RATE", "")))
        found = detect_file(detector, recording, events)
    except NeurorunError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{recording}: {len(found.events)} events -> {events}\n")
    return 0


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ConfigError(
            f"The environment variable {name} is empty; it must name a file relative to its "
            f"volume. Start the container with --env {name}=..."
        )
    return value


def _fa_rate(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError as error:
        raise ConfigError(
            f"FA_RATE is '{text}'; a number of false alarms per 24 h is needed. Correct it, or "
            "leave it empty for the thresholds of the configuration."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
