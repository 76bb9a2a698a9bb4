from pathlib import Path

import pytest
import torch

from neurorun.training.checkpoint import _save

pytestmark = pytest.mark.unit

FULL = Path("/dev/full")


def save_to(path: Path, content: dict) -> None:
    with path.open("wb", buffering=0) as stream:
        _save(content, stream)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_told_as_what_it_is():
    with pytest.raises(OSError, match="No space left on device"):
        save_to(FULL, {"weights": torch.zeros(10_000)})


def test_what_is_saved_opens_with_plain_torch(tmp_path):
    save_to(tmp_path / "x.pt", {"weights": torch.arange(3), "epoch": 2})
    found = torch.load(tmp_path / "x.pt")
    assert found["epoch"] == 2
    assert found["weights"].tolist() == [0, 1, 2]
