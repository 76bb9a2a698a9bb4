import math

import pytest

from neurorun.core import (
    SILENT,
    Advance,
    DataError,
    Metric,
    MissingExtraError,
    Progress,
    nearest_sample,
    require,
    whole_samples,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("better", "value", "on", "improves"),
    [
        ("higher", 0.9, 0.8, True),
        ("higher", 0.8, 0.8, False),
        ("lower", 0.7, 0.8, True),
        ("lower", 0.9, 0.8, False),
        ("lower", 0.9, None, True),
        ("higher", math.nan, None, False),
        ("higher", math.nan, 0.1, False),
    ],
)
def test_a_metric_knows_its_direction(better, value, on, improves):
    assert Metric("m", better, "1", "").improves(value, on) is improves


@pytest.mark.parametrize(("duration_s", "rate_hz"), [(0.3, 2), (0, 256), (-1, 256), (1e-9, 1)])
def test_lengths_that_are_no_whole_samples_are_refused(duration_s, rate_hz):
    with pytest.raises(DataError, match="a positive whole number is needed"):
        whole_samples(duration_s, rate_hz)


@pytest.mark.parametrize(("time_s", "sample"), [(0.5, 1), (0.49, 0), (-0.49, 0), (-0.6, -1)])
def test_times_go_to_the_nearest_sample(time_s, sample):
    assert nearest_sample(time_s, 1.0) == sample


def test_an_absent_library_is_named_with_the_command_that_installs_it():
    with pytest.raises(MissingExtraError, match=r'pip install "neurorun\[mne\]"'):
        require("library_that_nobody_wrote.part", extra="mne")


def test_a_fault_inside_an_optional_library_is_not_hidden(tmp_path, monkeypatch):
    (tmp_path / "broken_library.py").write_text("import library_that_nobody_wrote")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="library_that_nobody_wrote"):
        require("broken_library", extra="mne")


def test_silent_progress_follows_the_protocol():
    assert isinstance(SILENT, Progress)
    with SILENT.phase("work", 3) as advance:
        assert isinstance(advance, Advance)
        assert advance(2, loss=0.5) is None
