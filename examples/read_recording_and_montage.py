"""Read an EDF file, bring it into a montage, and look at what had to be done for that.

python examples/read_recording_and_montage.py [FILE.edf]

Without a file a short recording is simulated.
"""

import sys
import tempfile
from pathlib import Path

from neurorun.data import map_montage, read_recording
from neurorun.simulation import CorpusPlan, simulate_corpus


def main() -> None:
    """Print what the reader found and what the montage is made of."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[1]) if len(sys.argv) > 1 else simulated(Path(folder))
        recording = read_recording(path)
    print(f"{recording.recording_id} of patient {recording.patient}")
    print(f"{len(recording.channels)} channels at {recording.rate_hz:g} Hz")
    print(f"{recording.duration_s:g} s, of which {sum(b - a for a, b in recording.gaps):g} s gaps")
    for note in recording.notes:
        print(f"reader:  {note}")

    banana = map_montage(recording, "double-banana")
    for note in banana.notes:
        print(f"montage: {note}")
    for name, row in zip(banana.channels, banana.signal_uv, strict=True):
        print(f"{name:8} {row.std():6.1f} uV")


def simulated(folder: Path) -> Path:
    """A minute of one patient."""
    plan = CorpusPlan(n_patients=3, recordings_per_patient=1, minutes=1)
    return simulate_corpus(folder / "corpus", plan)[0]


if __name__ == "__main__":
    main()
