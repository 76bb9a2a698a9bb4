"""Which labels are seizures, and what becomes of those that are none."""

import pytest

from neurorun.core import Event, FormatError, Timeline
from neurorun.evaluation import METHODS, score_events
from neurorun.formats import SEIZURE_LABELS, is_seizure_label, read_events, write_events
from neurorun.formats.event_labels import hed_label

pytestmark = pytest.mark.unit

HEADER = "# version = csv_v1.0.0\n# duration = 60.0000 secs\n"


@pytest.fixture
def non_epileptic(tmp_path):
    path = tmp_path / "a.csv_bi"
    path.write_text(HEADER + "TERM,10,20,nesz,1\nTERM,30,40,fnsz,1\n")
    return path


def test_every_seizure_of_tusz_has_a_type_of_hed_score():
    assert all(hed_label(label).startswith("sz") for label in SEIZURE_LABELS)
    assert hed_label("bckg") == "bckg"


def test_a_non_epileptic_seizure_is_read_but_is_nothing_to_detect(non_epileptic):
    timeline = read_events(non_epileptic)
    assert [event.label for event in timeline.events] == ["nesz", "fnsz"]
    assert [event.label for event in timeline.seizures] == ["fnsz"]
    assert not is_seizure_label("nesz")


@pytest.mark.parametrize("method", METHODS)
def test_a_detection_in_a_non_epileptic_seizure_is_no_hit(non_epileptic, method):
    reference = read_events(non_epileptic)
    silent = Timeline("a", 60.0, (Event(30, 40),))
    without = Timeline("a", 60.0, (Event(30, 40, "fnsz"),))
    if method not in ("taes", "taes-overlap", "overlap", "dp"):  # these count background events
        assert score_events(reference, silent, method=method) == score_events(
            without, silent, method=method
        )
    counts = score_events(reference, silent, method=method).counts.of("seiz")
    assert counts.misses == counts.false_positives == 0


@pytest.mark.parametrize("kind", ["csv_bi", "tsv"])
def test_formats_that_do_not_know_it_get_background(non_epileptic, tmp_path, kind):
    write_events(tmp_path / "b", read_events(non_epileptic), format=kind)
    again = read_events(tmp_path / "b")
    assert [(e.onset_s, e.offset_s) for e in again.seizures] == [(30, 40)]
    assert again.events[0].label == "bckg"


def test_unknown_labels_are_refused_and_the_known_ones_listed(tmp_path):
    path = tmp_path / "a.csv_bi"
    path.write_text(HEADER + "TERM,10,20,SEIZURE,1\n")
    with pytest.raises(
        FormatError, match=r"'SEIZURE' \(line 3\)\. Known are absz, atsz, bckg, .*nesz"
    ):
        read_events(path)
