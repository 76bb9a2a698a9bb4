"""Score a file of detected events against the annotated ones; PyTorch is not needed.

python examples/score_files.py [REFERENCE DETECTED]

Without files two are written: a seizure found late, and a false alarm.
"""

import sys
import tempfile
from pathlib import Path

from neurorun.core import Event, Timeline
from neurorun.evaluation import read_events, score_events, write_events

METHODS = ("overlap", "taes", "szcore-event")


def main() -> None:
    """Score by three methods; each has its own idea of what is found."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(word) for word in sys.argv[1:]] or written(Path(folder))
        reference, detected = (read_events(path) for path in paths)
    print(f"{reference.duration_s / 3600:g} h, {len(reference.seizures)} seizures")
    for method in METHODS:
        score = score_events(reference, detected, method=method)
        print(
            f"{method:13} sensitivity {score.sensitivity:.2f}, precision {score.precision:.2f}, "
            f"{score.false_alarms_per_24h:.1f} false alarms per 24 h ({score.version})"
        )


def written(folder: Path) -> list[Path]:
    """Two files of different formats."""
    duration_s = 6 * 3600.0
    reference = Timeline("night", duration_s, (Event(3600, 3660, "fnsz"), Event(9000, 9045)))
    detected = Timeline("night", duration_s, (Event(3620, 3665), Event(18000, 18020)))
    paths = [folder / "reference_events.tsv", folder / "detected.csv_bi"]
    write_events(paths[0], reference)
    write_events(paths[1], detected, format="csv_bi")
    return paths


if __name__ == "__main__":
    main()
