"""Every stored pair gives the numbers of the original programs: counts to the last bit."""

import json
from functools import cache
from pathlib import Path

import pytest

from neurorun.evaluation import (
    METHODS,
    nedc_tables,
    pair_by_name,
    read_events,
    read_pairs,
    score_events,
    score_recordings,
)

pytestmark = pytest.mark.integration

OWN = Path(__file__).resolve().parent / "data" / "scoring"
SHARED = Path(__file__).resolve().parents[2] / "../shared/data/scoring"

COUNTS = {"targets", "hits", "misses", "false_alarms", "insertions", "deletions"}
EVENT_METHODS = {"taes": "taes", "overlap": "overlap"}
SZCORE_METHODS = {"szcore-event": "event_scoring", "szcore-sample": "sample_scoring_1hz"}
TABLES = EVENT_METHODS | {"epoch": "epoch", "dp": "dp_alignment"}


@cache
def expected(folder: str) -> dict:
    root = OWN if folder == "synthetic" else SHARED
    if not (root / "expected.json").exists():
        pytest.skip("the pairs of NEDC are not here")
    return json.loads((root / "expected.json").read_text())


@cache
def timelines(pair: str):
    folder, name = pair.split("/")
    root = OWN if folder == "synthetic" else SHARED
    if not (root / folder).exists():
        pytest.skip("the pairs of NEDC are not here")
    return tuple(read_events(root / folder / side / f"{name}.csv_bi") for side in ("ref", "hyp"))


def score(pair: str, method: str):
    return score_events(*timelines(pair), method=method)


BUNDLED = [
    "bundled/aaaaaasf_s001_t000",
    "bundled/aaaaahyp_s003_t000",
    "bundled/aaaaajdn_s003_t007",
    "bundled/aaaaakkm_s009_t000",
    "bundled/aaaaaooo_s001_t000",
    "bundled/aaaaapks_s012_t001",
    "bundled/aaaaapnl_s002_t001",
    "bundled/aaaaaqtx_s012_t007",
    "bundled/aaaaarvi_s001_t000",
    "bundled/aaaaasdq_s002_t004",
]
PAIRS = [*expected("synthetic")["pairs"], *BUNDLED]
each_pair = pytest.mark.parametrize("pair", PAIRS)


def published(pair: str) -> dict:
    return expected(pair.partition("/")[0])["pairs"][pair]


@each_pair
@pytest.mark.parametrize("method", EVENT_METHODS)
def test_fractions_and_events_equal_nedc_to_the_last_bit(pair, method):
    assert score(pair, method).counts.to_dict() == published(pair)[EVENT_METHODS[method]]


@each_pair
def test_samples_equal_nedc(pair):
    table = published(pair)["epoch"]["confusion"]
    assert score(pair, "epoch").counts.to_dict()["confusion"] == table


@each_pair
def test_alignments_equal_nedc(pair):
    wanted = dict(published(pair)["dp_alignment"])
    counts = score(pair, "dp").counts
    assert counts.to_dict()["confusion"] == wanted.pop("confusion")
    found = {
        name: {key: getattr(counts.of(name), key) for key in values}
        for name, values in wanted.items()
    }
    assert found == wanted


@each_pair
def test_kappas_equal_nedc(pair):
    assert nedc_tables(score(pair, "ira")) == pytest.approx(
        published(pair)["kappa"], rel=1e-12, abs=1e-12
    )


@each_pair
@pytest.mark.parametrize("method", SZCORE_METHODS)
def test_counts_and_measures_equal_timescoring(pair, method):
    found, wanted = score(pair, method), published(pair)[SZCORE_METHODS[method]]
    assert found.counts.to_dict() == {
        "n_reference": wanted["ref_true"],
        "n_found": wanted["tp"],
        "n_false_alarms": wanted["fp"],
        "n_samples": wanted["num_samples"],
        "rate_hz": wanted["fs"],
    }
    keys = {"false_alarms_per_24h": "fp_per_24h"}
    measures = {
        name: float("nan") if (value := wanted[keys.get(name, name)]) is None else value
        for name in found.measures
    }
    assert found.measures == pytest.approx(measures, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("folder", ["synthetic", "bundled"])
@pytest.mark.parametrize("method", TABLES)
def test_totals_equal_nedc(folder, method):
    wanted = expected(folder)["totals"][folder][TABLES[method]]
    total = report_of(folder, (method,)).totals[method]
    found = nedc_tables(total)
    for name, values in wanted["labels"].items():
        check_table(found["labels"][name], values)
    check_table(found["summary"], wanted["summary"])


def check_table(found: dict, wanted: dict) -> None:
    for key, value in wanted.items():
        if key in COUNTS or key.startswith(("true_", "false_positives", "false_negatives")):
            assert found[key] == value, key
        else:
            assert found[key] == pytest.approx(value, rel=1e-12, abs=1e-12), key


def report_of(folder: str, methods):
    pairs = [timelines(pair) for pair in expected(folder)["pairs"] if pair.startswith(folder)]
    return score_recordings(pairs, methods=methods)


@pytest.mark.parametrize("folder", ["synthetic", "bundled"])
def test_total_kappas_equal_nedc(folder):
    wanted = dict(expected(folder)["totals"][folder]["kappa"])
    total = report_of(folder, ("ira",)).totals["ira"]
    assert total.counts.to_dict()["confusion"] == wanted.pop("confusion")
    assert nedc_tables(total) == pytest.approx(wanted, rel=1e-12)


@pytest.fixture(scope="module")
def bids():
    pairing = pair_by_name(OWN / "bids" / "ref", OWN / "bids" / "hyp")
    methods = [name for name in METHODS if name.endswith("-1hz")]
    report = score_recordings(read_pairs(pairing), methods=methods, patients=pairing.patients)
    return report, json.loads((OWN / "bids" / "expected.json").read_text())


DATA_SET_METHODS = pytest.mark.parametrize(
    ("method", "per_file", "of_all"),
    [
        ("szcore-event-1hz", "event_scoring", "event_results"),
        ("szcore-sample-1hz", "sample_scoring_1hz", "sample_results"),
    ],
)
SZCORE_NAMES = {
    "sensitivity": "sensitivity",
    "precision": "precision",
    "f1": "f1",
    "false_alarms_per_24h": "fpRate",
}


@DATA_SET_METHODS
def test_counts_of_a_bids_tree_equal_szcore_evaluation(bids, method, per_file, of_all):
    report, wanted = bids
    assert len(report.recordings) == len(wanted["files"]) == 8
    for recording in report.recordings:
        values = wanted["files"][f"{recording.recording_id}_events.tsv"][per_file]
        counts = recording.scores[method].counts
        assert (counts.n_found, counts.n_false_alarms) == (values["tp"], values["fp"])
        assert (counts.n_reference, counts.n_samples) == (values["ref_true"], values["num_samples"])


@DATA_SET_METHODS
def test_means_over_patients_equal_szcore_evaluation(bids, method, per_file, of_all):
    report, wanted = bids
    for measure, mean in report.patient_means(method).items():
        values = wanted["dataset"]["mean_over_subjects"][of_all]
        assert mean.mean == pytest.approx(values[SZCORE_NAMES[measure]], rel=1e-12)
        assert mean.deviation == pytest.approx(values[f"{SZCORE_NAMES[measure]}_std"], rel=1e-12)


@DATA_SET_METHODS
def test_sums_over_files_equal_szcore_evaluation(bids, method, per_file, of_all):
    report, wanted = bids
    values = wanted["dataset"]["all_files_added"][of_all]
    for measure, name in SZCORE_NAMES.items():
        assert report.totals[method].measures[measure] == pytest.approx(values[name], rel=1e-12)
