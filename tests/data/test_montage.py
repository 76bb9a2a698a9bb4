from pathlib import Path

import numpy as np
import pytest

from neurorun.core import ConfigError, DataError, MissingExtraError, Recording, whole_recording
from neurorun.data import montage as montage_module
from neurorun.data.channel_names import TEN_TWENTY
from neurorun.data.montage import DOUBLE_BANANA, map_montage, resolve_montage
from neurorun.formats import read_header, read_recording

pytestmark = pytest.mark.unit


def recording(channels, *, n_samples: int = 50) -> Recording:
    rng = np.random.default_rng(len(channels))
    signal_uv = (rng.standard_normal((len(channels), n_samples)) * 50).astype(np.float32)
    return Recording("r", "p", tuple(channels), 256.0, signal_uv, whole_recording(n_samples))


def row(rec: Recording, name: str) -> np.ndarray:
    return rec.signal_uv[rec.channels.index(name)]


NEW_NAMES = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
SPELLINGS = {
    "plain": list(TEN_TWENTY),
    "tusz": [f"EEG {name.upper()}-REF" for name in TEN_TWENTY],
    "linked-ears": [f"EEG {name.upper()}-LE" for name in TEN_TWENTY],
    "szcore": [f"{name}-Avg" for name in TEN_TWENTY],
    "new-names": [NEW_NAMES.get(name, name) for name in TEN_TWENTY],
    "chb12-cs2": [f"{NEW_NAMES.get(name, name).upper()}-CS2" for name in TEN_TWENTY],
    "siena": [f"EEG {name}" for name in TEN_TWENTY],
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_nineteen_channels_are_found_however_they_are_spelled(spelling):
    extra = ["ECG EKG", "SPO2", "PHOTIC-REF"]
    rec = recording([*reversed(SPELLINGS[spelling]), *extra])
    mapped = map_montage(rec, "10-20")
    assert mapped.channels == TEN_TWENTY
    np.testing.assert_array_equal(mapped.signal_uv, rec.signal_uv[:19][::-1])


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_double_banana_is_computed_from_referential_channels(spelling):
    rec = recording(SPELLINGS[spelling])
    mapped = map_montage(rec, "double-banana")
    assert mapped.channels == DOUBLE_BANANA
    named = dict(zip(TEN_TWENTY, rec.signal_uv, strict=True))
    for name, signal in zip(mapped.channels, mapped.signal_uv, strict=True):
        first, second = name.split("-")
        np.testing.assert_array_equal(signal, named[first] - named[second])


CHB_MIT = [
    "FP1-F7", "F7-T7", "T7-P7", "P7-O1", "FP1-F3", "F3-C3", "C3-P3", "P3-O1",
    "FP2-F4", "F4-C4", "C4-P4", "P4-O2", "FP2-F8", "F8-T8", "T8-P8", "P8-O2",
    "FZ-CZ", "CZ-PZ", "P7-T7", "T7-FT9", "FT9-FT10", "FT10-T8", "T8-P8#2",
]  # fmt: skip


def test_bipolar_channels_are_read_as_they_are():
    rec = recording(CHB_MIT)
    mapped = map_montage(rec, "double-banana")
    pairs = {"Fp1-F3": "FP1-F3", "T3-T5": "T7-P7", "T4-T6": "T8-P8", "Cz-Pz": "CZ-PZ"}
    for ours, theirs in pairs.items():
        np.testing.assert_array_equal(row(mapped, ours), row(rec, theirs))
    assert "T4-T6 stands in 'T8-P8', 'T8-P8#2'; the first was used." in mapped.notes
    assert "F7-T3 = 'F7-T7'" in mapped.notes[0]


def test_a_derivation_with_exchanged_electrodes_is_turned():
    channels = ["PZ-CZ" if name == "CZ-PZ" else name for name in CHB_MIT]
    rec = recording(channels)
    mapped = map_montage(rec, "double-banana")
    np.testing.assert_array_equal(row(mapped, "Cz-Pz"), -row(rec, "PZ-CZ"))
    assert "Cz-Pz = -'PZ-CZ'" in mapped.notes[0]


def test_derivations_that_are_there_and_those_that_must_be_computed_are_combined():
    channels = [*(name for name in CHB_MIT if name not in ("CZ-PZ", "FZ-CZ")), "Fz", "Cz", "Pz"]
    rec = recording(channels)
    mapped = map_montage(rec, "double-banana")
    np.testing.assert_array_equal(row(mapped, "Cz-Pz"), row(rec, "Cz") - row(rec, "Pz"))
    np.testing.assert_array_equal(row(mapped, "Fp1-F7"), row(rec, "FP1-F7"))


def test_where_all_electrodes_are_there_every_derivation_is_computed():
    rec = recording([*TEN_TWENTY, "Fp1-F3"])
    mapped = map_montage(rec, "double-banana")
    np.testing.assert_array_equal(row(mapped, "Fp1-F3"), row(rec, "Fp1") - row(rec, "F3"))


def test_the_double_banana_is_four_chains_and_a_midline():
    """Every electrode but those at an end of a chain is used once with each sign."""
    plan = resolve_montage(TEN_TWENTY, "double-banana")
    assert (plan.matrix.sum(axis=1) == 0).all()
    assert (np.abs(plan.matrix).sum(axis=1) == 2).all()
    ends = {"Fp1": 2, "Fp2": 2, "O1": -2, "O2": -2, "Fz": 1, "Pz": -1}
    sums = dict(zip(plan.inputs, plan.matrix.sum(axis=0), strict=True))
    assert {name: total for name, total in sums.items() if total} == ends


def test_a_bipolar_recording_has_no_referential_montage():
    message = (
        r"'10-20' needs 'Fp1', .*'O2', which cannot be had from the channels 'FP1-F7'.*use mon"
    )
    with pytest.raises(DataError, match=message):
        resolve_montage(CHB_MIT, "10-20")


@pytest.mark.parametrize("absent", [{"Cz"}, {"Fz", "Cz"}, {"Fz", "Pz", "O1"}, {"T3"}])
def test_other_missing_channels_are_refused_by_name(absent):
    names = [name for name in TEN_TWENTY if name not in absent]
    listed = ", ".join(f"'{name}'" for name in TEN_TWENTY if name in absent)
    with pytest.raises(
        DataError, match=rf"needs {listed}, which cannot be had from the .* Name ch"
    ):
        resolve_montage(names, "10-20")


def test_missing_derivations_are_refused_by_name():
    names = [name for name in CHB_MIT if name != "F3-C3"]
    with pytest.raises(DataError, match="Montage 'double-banana' needs 'F3-C3', which cannot be"):
        resolve_montage(names, "double-banana")


@pytest.mark.parametrize("absent", [("Fz",), ("Pz",), ("Fz", "Pz")])
def test_fz_and_pz_are_interpolated_as_mne_does(absent):
    mne = pytest.importorskip("mne")
    names = [name for name in TEN_TWENTY if name not in absent]
    rec = recording(names)
    mapped = map_montage(rec, "10-20")
    info = mne.create_info(list(TEN_TWENTY), 256.0, "eeg", verbose="error")
    volts = np.zeros((19, rec.n_samples))
    for name in names:
        volts[TEN_TWENTY.index(name)] = row(rec, name) * 1e-6
    raw = mne.io.RawArray(volts, info, verbose="error")
    raw.set_montage("standard_1020", verbose="error")
    raw.info["bads"] = list(absent)
    raw.interpolate_bads(verbose="error")
    np.testing.assert_allclose(mapped.signal_uv, raw.get_data() * 1e6, rtol=1e-5, atol=1e-3)
    assert mapped.notes == (f"Interpolated by spherical splines: {str(list(absent))[1:-1]}.",)


def test_derivations_are_computed_from_interpolated_electrodes():
    pytest.importorskip("mne")
    rec = recording([name for name in TEN_TWENTY if name not in ("Fz", "Pz")])
    full = map_montage(rec, "10-20")
    mapped = map_montage(rec, "double-banana")
    np.testing.assert_allclose(
        row(mapped, "Fz-Cz"), row(full, "Fz") - row(full, "Cz"), rtol=1e-4, atol=1e-3
    )
    np.testing.assert_array_equal(row(mapped, "Fp1-F3"), row(full, "Fp1") - row(full, "F3"))
    assert mapped.notes[-1] == "Interpolated by spherical splines: 'Fz-Cz', 'Cz-Pz'."


def test_a_recording_without_a_voltage_is_told():
    with pytest.raises(DataError, match="needs 'C3', and no channel that is a voltage is left"):
        resolve_montage((), ["C3"])


def test_nothing_is_interpolated_where_it_is_not_allowed():
    names = [name for name in TEN_TWENTY if name != "Fz"]
    with pytest.raises(DataError, match="needs 'Fz', which cannot be had"):
        resolve_montage(names, "10-20", interpolate=False)


def test_without_mne_interpolation_names_what_to_install(monkeypatch):
    def absent(module, *, extra):
        raise MissingExtraError(f"{module} [{extra}]")

    monkeypatch.setattr(montage_module, "require", absent)
    montage_module.interpolation_weights.cache_clear()
    with pytest.raises(MissingExtraError, match=r"mne \[mne\]"):
        resolve_montage([name for name in TEN_TWENTY if name != "Fz"], "10-20")


@pytest.mark.parametrize("label", ["EEG F3-LE", "F3-AR", "F3-CS2"])
def test_different_references_are_not_mixed_in_one_montage(label):
    names = [label if name == "F3" else f"EEG {name}-REF" for name in TEN_TWENTY]
    with pytest.raises(DataError, match=rf"different references \(a common .*{label}.*double-ban"):
        resolve_montage(names, "10-20")
    with pytest.raises(DataError, match=r"'Fp1-F3', 'F3-C3', .*recorded against the same"):
        resolve_montage(names, "double-banana")


def test_nothing_is_interpolated_from_different_references():
    names = [f"EEG {name}-{'LE' if name < 'P' else 'REF'}" for name in TEN_TWENTY if name != "Fz"]
    with pytest.raises(DataError, match="needs 'Fz'"):
        resolve_montage(names, "10-20")


def test_the_ears_of_both_sides_are_a_montage_of_their_own():
    left = {name for name in TEN_TWENTY if name[-1] in "1357z"}
    names = [f"{name}-{'A1' if name in left else 'A2'}" for name in TEN_TWENTY]
    assert resolve_montage(names, "10-20").channels == TEN_TWENTY
    assert resolve_montage(names, "double-banana").channels == DOUBLE_BANANA


def test_named_channels_are_found_by_label_first_then_by_meaning():
    rec = recording(["EEG Cz-REF", "Cz", "EEG T3-REF", "ECG ECG", "SPO2"])
    mapped = map_montage(rec, ["Cz", "T7", "EKG", "spo2"])
    for ours, theirs in {"Cz": "Cz", "T7": "EEG T3-REF", "EKG": "ECG ECG", "spo2": "SPO2"}.items():
        np.testing.assert_array_equal(row(mapped, ours), row(rec, theirs))
    assert mapped.notes[0] == "Mapped: T7 = 'EEG T3-REF', EKG = 'ECG ECG', spo2 = 'SPO2'."


def test_named_derivations_are_read_turned_or_computed():
    rec = recording(["EEG T4-REF", "EEG A2-REF", "T8-P8", "CZ-FZ"])
    mapped = map_montage(rec, ["T4-A2", "T4-T6", "Fz-Cz"])
    difference = row(rec, "EEG T4-REF") - row(rec, "EEG A2-REF")
    np.testing.assert_array_equal(row(mapped, "T4-A2"), difference)
    np.testing.assert_array_equal(row(mapped, "T4-T6"), row(rec, "T8-P8"))
    np.testing.assert_array_equal(row(mapped, "Fz-Cz"), -row(rec, "CZ-FZ"))


@pytest.mark.parametrize(
    ("channels", "wanted"),
    [
        pytest.param(["EEG T4-REF"], "T4-A2", id="no-ear"),
        pytest.param(["EEG Fp1-REF"], "Fp1-LE", id="other-reference"),
        pytest.param(["EEG T4-LE", "EEG A2-REF"], "T4-A2", id="references-differ"),
        pytest.param(["LT-1", "LT-2"], "LT-3", id="no-electrode"),
        pytest.param(["Fp1-F3"], "Fp1", id="derivation-is-no-electrode"),
    ],
)
def test_a_named_channel_is_never_replaced_by_a_similar_one(channels, wanted):
    with pytest.raises(DataError, match=f"The montage needs '{wanted}', which cannot be had from"):
        resolve_montage(channels, [wanted])


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("bananas", "no montage 'bananas'; allowed are '10-20', 'double-banana', or a list"),
        ([], r"montage \[\] is empty or names a channel twice"),
        (["Cz", "Pz", "Cz"], r"montage \[Cz, Pz, Cz\] is empty or names a channel twice"),
    ],
)
def test_montages_that_do_not_exist_are_refused(wanted, message):
    with pytest.raises(ConfigError, match=message):
        resolve_montage(TEN_TWENTY, wanted)


def test_repeated_channels_give_the_first_and_a_note():
    rec = recording([*SPELLINGS["siena"], "Fp1"])
    mapped = map_montage(rec, "10-20")
    np.testing.assert_array_equal(row(mapped, "Fp1"), row(rec, "EEG Fp1"))
    assert "Fp1 stands in 'EEG Fp1', 'Fp1'; the first was used." in mapped.notes


def test_channels_that_keep_their_names_leave_no_note():
    assert map_montage(recording(TEN_TWENTY), "10-20").notes == ()


def test_what_the_reader_noted_is_kept():
    rec = recording(SPELLINGS["siena"])
    noted = Recording(**{**vars(rec), "notes": ("A note.",)})
    mapped = map_montage(noted, "10-20")
    assert mapped.notes[0] == "A note."
    assert mapped.notes[1].startswith("Mapped: Fp1 = 'EEG Fp1', F3 = 'EEG F3', ")


@pytest.mark.parametrize("wanted", ["10-20", "double-banana", ["F3-C3", "O2"]])
def test_blocks_give_the_same_numbers_as_the_whole(wanted):
    rec = recording([*SPELLINGS["tusz"], "IBI"], n_samples=100)
    plan = resolve_montage(rec.channels, wanted)
    inputs = rec.signal_uv[[rec.channels.index(name) for name in plan.inputs]]
    blocks = [plan.apply(inputs[:, start : start + 30]) for start in range(0, 100, 30)]
    np.testing.assert_array_equal(np.hstack(blocks), map_montage(rec, wanted).signal_uv)
    assert "IBI" not in plan.inputs


SHARED = Path(__file__).resolve().parents[2] / "../shared/data"


@pytest.mark.integration
@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of shared data is absent")
@pytest.mark.parametrize(
    ("name", "montages"),
    [
        ("eeg_edf/eegmat_Subject00_1.edf", ("10-20", "double-banana")),
        ("eeg_edf/icu_subject01_epoch01_380s.edf", ("10-20", "double-banana")),
        ("eeg_seizure/edf_with_seizure/iiic_SZ_sample1.edf", ("10-20", "double-banana")),
        ("eeg_seizure/epilepsy2bids_stubs/chbmit/chb05/chb05_06.edf", ("double-banana",)),
        ("eeg_seizure/epilepsy2bids_stubs/siena/PN00/PN00-1.edf", ("10-20", "double-banana")),
        (
            "eeg_seizure/epilepsy2bids_stubs/seizeit/P_ID64/P_ID64_r1.edf",
            ("10-20", "double-banana"),
        ),
        ("edf_odd/mutated/physmin_equals_physmax_ch0.edf", ()),
        ("edf_odd/fractional_record_duration_19ch.edf", ("10-20", "double-banana")),
    ],
)
def test_real_recordings_are_mapped_from_their_header_alone(name, montages):
    path = SHARED / name
    for wanted in montages:
        plan = resolve_montage(read_header(path).channels, wanted)
        rec = read_recording(path, channels=plan.inputs)
        whole = map_montage(read_recording(path), wanted)
        np.testing.assert_array_equal(plan.apply(rec.signal_uv), whole.signal_uv)


@pytest.mark.integration
@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of shared data is absent")
def test_a_damaged_channel_that_the_montage_does_not_need_is_no_hindrance():
    path = SHARED / "edf_odd/mutated/physmin_equals_physmax_ch0.edf"
    plan = resolve_montage(read_header(path).channels, ["F3-C3", "Cz"])
    rec = read_recording(path, channels=plan.inputs)
    assert map_montage(rec, ["F3-C3", "Cz"]).n_samples == 2500
