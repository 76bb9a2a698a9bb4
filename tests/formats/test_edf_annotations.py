import logging

import numpy as np
import pytest

from neurorun.core import DataError, Event, FormatError, Timeline
from neurorun.formats import read_edf_events, read_header, write_edf_events
from neurorun.formats.edf_annotations import events_of, tals_of
from neurorun.formats.edf_tals import Tal

pytestmark = pytest.mark.unit

TIMELINE = Timeline(
    "night",
    3600.25,
    (
        Event(417, 532.5, "seiz"),
        Event(1000.125, 1001.5, "sz_foc_ia", channels=("Fp1", "EEG F3")),
        Event(2000, 2010, "bckg"),
    ),
    ((10.0, 20.0), (3000.0, 3100.5)),
)


def test_a_timeline_is_read_as_it_was_written(tmp_path):
    write_edf_events(tmp_path / "night.edf", TIMELINE)
    assert read_edf_events(tmp_path / "night.edf") == TIMELINE


def test_a_timeline_without_events_keeps_its_length(tmp_path):
    write_edf_events(tmp_path / "night.edf", Timeline("night", 7200.0))
    assert read_edf_events(tmp_path / "night.edf") == Timeline("night", 7200.0)


def test_the_same_timeline_gives_the_same_bytes(tmp_path):
    for name in ("a.edf", "b.edf"):
        write_edf_events(tmp_path / name, TIMELINE)
    assert (tmp_path / "a.edf").read_bytes() == (tmp_path / "b.edf").read_bytes()


def test_mne_reads_the_events_that_we_write(tmp_path):
    mne = pytest.importorskip("mne")
    write_edf_events(tmp_path / "night.edf", TIMELINE)
    annotations = mne.read_annotations(tmp_path / "night.edf")
    assert list(
        zip(annotations.onset, annotations.duration, annotations.description, strict=True)
    ) == [
        (10.0, 10.0, "BAD_ACQ_SKIP"),
        (417.0, 115.5, "seiz"),
        (1000.125, 1.375, "sz_foc_ia@@Fp1"),
        (1000.125, 1.375, "sz_foc_ia@@EEG F3"),
        (2000.0, 10.0, "bckg"),
        (3000.0, 100.5, "BAD_ACQ_SKIP"),
    ]


def test_edfio_reads_the_events_that_we_write(tmp_path):
    edfio = pytest.importorskip("edfio")
    write_edf_events(tmp_path / "night.edf", TIMELINE)
    edf = edfio.read_edf(tmp_path / "night.edf")
    assert edf.duration == 3600.25
    assert (417.0, 115.5, "seiz") in edf.annotations
    assert len(edf.annotations) == 6


def test_we_read_the_events_that_edfio_writes(tmp_path):
    edfio = pytest.importorskip("edfio")
    signal = edfio.EdfSignal(np.zeros(40), 4, label="Cz", physical_dimension="uV")
    annotations = [edfio.EdfAnnotation(1.5, 2.0, "seiz"), edfio.EdfAnnotation(3.0, None, "höre")]
    edfio.Edf([signal], annotations=annotations).write(tmp_path / "a.edf")
    timeline = read_edf_events(tmp_path / "a.edf")
    assert timeline == Timeline("a", 10.0, (Event(1.5, 3.5, "seiz"), Event(3.0, 3.25, "höre")))


def test_events_of_one_text_at_several_channels_are_one_event():
    tal = Tal(1.0, 2.0, ("sz@@Fp1", "sz@@F3", "sz", "other"))
    events, notes = events_of([tal], shortest_s=0.5)
    assert notes == ()
    assert set(events) == {
        Event(1, 3, "sz", channels=("Fp1", "F3")),
        Event(1, 3, "sz"),
        Event(1, 3, "other"),
    }


@pytest.mark.parametrize("label", ["", "a\nb", "a\x14b", "a@@b"])
def test_labels_that_would_be_read_differently_are_refused(label):
    with pytest.raises(DataError, match=r"cannot be an EDF. annotation; one or more printable"):
        tals_of([Event(0, 1, label)])


def test_a_file_without_annotation_signal_is_refused(edf_bytes, ramp, tmp_path):
    path = edf_bytes([{"label": "Cz", "data": ramp(1, 4)}]).write(tmp_path / "a.edf")
    with pytest.raises(
        FormatError, match=r"holds no annotations; an EDF. file has a signal 'EDF A"
    ):
        read_edf_events(path)


@pytest.fixture
def only_annotations(edf_bytes, tmp_path):
    """Annotations without signals, records of no duration, as hypnograms are published."""
    tals = [b"+0\x14\x14\0+0\x1530\x14W\x14\0+90\x14Lights off\x14\0"]
    return edf_bytes([], tals=tals, reserved="EDF+C", duration="0").write(tmp_path / "a.edf")


def test_the_length_of_a_recording_is_never_guessed_from_its_events(only_annotations):
    with pytest.raises(
        FormatError, match=r"annotations only and does not say how long .* duration_s"
    ):
        read_edf_events(only_annotations)


def test_the_length_can_be_given_where_the_file_does_not_say_it(only_annotations):
    timeline = read_edf_events(only_annotations, duration_s=120)
    expected = (Event(0, 30, "W"), Event(90, 90.001, "Lights off"))
    assert (timeline.duration_s, timeline.events) == (120, expected)


def test_the_length_that_the_file_says_is_believed(tmp_path):
    write_edf_events(tmp_path / "a.edf", Timeline("a", 60.0))
    assert read_edf_events(tmp_path / "a.edf", duration_s=999.0).duration_s == 60.0


def test_gaps_of_a_discontinuous_file_are_gaps_of_the_timeline(edf_bytes, ramp, tmp_path):
    tals = [b"+0\x14\x14\0+0\x14sz\x14\0", b"+5\x14\x14\0"]
    data = edf_bytes([{"label": "Cz", "data": ramp(2, 4)}], tals=tals, reserved="EDF+D")
    timeline = read_edf_events(data.write(tmp_path / "a.edf"))
    assert timeline == Timeline("a", 6.0, (Event(0, 0.25, "sz"),), ((1.0, 5.0),))


def test_gaps_are_told_where_no_signal_is_a_voltage(edf_bytes, ramp, tmp_path):
    tals = [b"+0\x14\x14\0+0\x14sz\x14\0", b"+5\x14\x14\0"]
    signal = {"label": "SPO2", "dimension": "%", "data": ramp(2, 2)}
    data = edf_bytes([signal], tals=tals, reserved="EDF+D")
    timeline = read_edf_events(data.write(tmp_path / "a.edf"))
    assert timeline == Timeline("a", 6.0, (Event(0, 0.5, "sz"),), ((1.0, 5.0),))


def test_what_is_left_out_is_logged(edf_bytes, ramp, tmp_path, caplog):
    caplog.set_level(logging.INFO, "neurorun.formats")
    tals = [b"+0\x14\x14\0+0\x14[Total time]+1\x14\0"]
    data = edf_bytes([{"label": "Cz", "data": ramp(1, 4)}], tals=tals, reserved="EDF+C")
    assert read_edf_events(data.write(tmp_path / "a.edf")).events == ()
    assert "Annotations that are no events were left out" in caplog.text


def test_a_gap_annotation_beyond_the_end_is_cut_there(edf_bytes, ramp, tmp_path):
    tals = [b"+0\x14\x14\0+0.5\x159\x14BAD_ACQ_SKIP\x14\0+7\x151\x14BAD_ACQ_SKIP\x14\0"]
    data = edf_bytes([{"label": "Cz", "data": ramp(1, 4)}], tals=tals, reserved="EDF+C")
    assert read_edf_events(data.write(tmp_path / "a.edf")).gaps == ((0.5, 1.0),)


def test_the_header_of_an_annotation_file_has_an_unknown_start(tmp_path):
    write_edf_events(tmp_path / "a.edf", TIMELINE)
    header = read_header(tmp_path / "a.edf")
    assert (header.start, header.notes, header.channels) == (None, (), ())
