"""Train a detector and let it find seizures, on a simulated corpus, in seconds.

python examples/train_and_detect.py

The detector and its corpus are far too small to be good; `neurorun demo` shows one that is.
"""

import tempfile
from pathlib import Path

import yaml

import neurorun
from neurorun.data import read_recording
from neurorun.experiment import Detector
from neurorun.runs import open_run
from neurorun.simulation import CorpusPlan, simulate_corpus


def settings(folder: Path) -> dict[str, object]:
    """A configuration with windows of 10 s and a network of three stages."""
    return {
        "experiment": {"name": "tiny", "output_dir": str(folder / "runs"), "device": "cpu"},
        "data": {
            "data_dir": str(folder / "corpus"),
            "cache_dir": str(folder / "cache"),
            "cache_workers": 1,
            "split_policy": "official_tusz",
            "window_size": 10,
            "stride": 5,
            "batch_size": 4,
        },
        "model": {"preset": "small", "encoder": {"channels": [8, 16, 32], "downsample_factor": 4}},
        "training": {"epochs": 8, "learning_rate": 1e-2, "early_stopping": {"metric": "auroc"}},
    }


def main() -> None:
    """Simulate, train, and detect in a recording that was not trained on."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = CorpusPlan(
            n_patients=6, recordings_per_patient=1, minutes=2, seizures_per_recording=2
        )
        paths = simulate_corpus(folder / "corpus", plan)
        config = folder / "tiny.yaml"
        config.write_text(yaml.safe_dump(settings(folder)), encoding="utf-8")

        run = neurorun.train(config)
        print(f"AUROC on validation: {open_run(run).metrics['validation']['auroc']:.3f}")

        timeline = Detector.open(run, fa_rate=10).detect(read_recording(paths[-1]))
        print(f"{timeline.recording_id}: {len(timeline.events)} events")
        for event in timeline.events:
            print(f"  {event.onset_s:.1f} s to {event.offset_s:.1f} s ({event.confidence:.2f})")


if __name__ == "__main__":
    main()
