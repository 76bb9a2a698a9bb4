"""Attention maps go straight to the disk, however many there are."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[3] / "benchmarks" / "abnormality.py"

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def peak_mb(n_recordings):
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "--export", str(n_recordings)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["made"] == n_recordings
    return found["peak_mb"]


def test_peak_memory_does_not_grow_with_the_number_of_recordings():
    """The maps of 180 more windows of 300 s would be 238 MB, their signals as much again."""
    assert peak_mb(200) - peak_mb(20) < 25
