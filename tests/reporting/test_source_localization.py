import re

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from neurorun.core import Metric
from neurorun.reporting import render_report
from neurorun.reporting.sections import source_localization as section
from neurorun.runs import Cortex, KeptEstimate, MethodEstimate, create_run, open_run

pytestmark = pytest.mark.unit

RANK = Metric("average_precision", "higher", "1", "Mean precision.")
ERROR = Metric("peak_error_mm", "lower", "mm", "Distance.")
METRICS = (RANK, ERROR, Metric("mse", "lower", "1", "Loss."))
CONFIG = {"task": "source_localization", "experiment": {"name": "source"}}
N_REGIONS = 40


def comparison(values, *, by=(("all", "all"), ("noise", "5 dB"), ("noise", "20 dB"))):
    return [
        {
            "method": method,
            "by": facet,
            "value": value,
            "metric": metric,
            "mean": mean,
            "low": mean - 0.1,
            "high": mean + 0.1,
            "n_examples": 8,
            "n_groups": 4,
        }
        for method, means in values.items()
        for facet, value in by
        for metric, mean in means.items()
    ]


def cortex():
    place = np.arange(N_REGIONS) + 0.5
    polar, around = np.arccos(1 - 2 * place / N_REGIONS), np.pi * (1 + 5**0.5) * place
    points = 70 * np.stack(
        [np.cos(around) * np.sin(polar), np.sin(around) * np.sin(polar), np.cos(polar)], axis=1
    ).astype(np.float32)
    triangles = ConvexHull(points).simplices.astype(np.int32)
    return Cortex(points, triangles, np.arange(N_REGIONS, dtype=np.int32), points)


def kept(example, error_mm):
    rng = np.random.default_rng(0)
    course = np.hanning(60).astype(np.float32)[None]
    methods = tuple(
        MethodEstimate(
            name, rng.random(N_REGIONS, np.float32), course, course, np.array([3]), error
        )
        for name, error in (("model", error_mm), ("MNE", 30.0), ("sLORETA", 20.0))
    )
    strengths = np.zeros(N_REGIONS, np.float32)
    strengths[2:4] = 1.0
    places = np.array([2]), np.array([2, 3])
    return KeptEstimate(example, 10.0, 500.0, *places, strengths, course, methods)


GOOD = {
    "model": {"peak_error_mm": 5.0, "average_precision": 0.9},
    "MNE": {"peak_error_mm": 30.0, "average_precision": 0.4},
    "sLORETA": {"peak_error_mm": 20.0, "average_precision": 0.6},
}


def run_with(folder, *, rows=None, estimates=(), metrics=METRICS, test_rows=None):
    record = create_run(
        folder, "source", config=CONFIG, metrics=metrics, monitor="average_precision",
        command=["neurorun"], source_dir=folder,
    )  # fmt: skip
    with record as run:
        run.log_epoch(1, {"val_loss": 1.0, "average_precision": 0.9, "peak_error_mm": 5.0})
        if rows:
            run.write_table("localization", rows, caption="Means of the methods.")
        if estimates:
            run.write_cortex(cortex())
        for one in estimates:
            run.write_estimate(one)
        if test_rows:
            run.of("test").write_table("localization", test_rows, caption="On the test.")
            for one in estimates:
                run.of("test").write_estimate(one)
    return open_run(run.folder)


def test_page_shows_methods_pictures_and_courses(tmp_path):
    rows = comparison(GOOD)
    run = run_with(tmp_path, rows=rows, estimates=[kept("row 1", 4.0), kept("row 2", 9.0)])
    page = render_report(run)
    for words in (
        "Beside linear inverses",
        "<strong>5.000</strong>",
        "Peak error by noise",
        "peak error by signal-to-noise ratio",
        "On the cortex",
        "data:image/webp;base64,",
        "row 1: 1 source at 10 dB",
    ):
        assert words in page
    assert page.index("row 2: 1 source") < page.index("row 1: 1 source"), "the worst come first"
    assert len(page) < 1_000_000


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "It is the best of all in each of the 2 measures."),
        (
            {"model": {"peak_error_mm": 25.0, "average_precision": 0.9}},
            "It is the best of all in 1 of 2 measures; a linear inverse is better in peak error",
        ),
        (
            {"model": {"peak_error_mm": 25.0, "average_precision": 0.1}},
            "In every one of the 2 measures a linear inverse is better.",
        ),
    ],
)
def test_the_page_says_where_the_model_loses(tmp_path, changes, verdict):
    page = render_report(run_with(tmp_path, rows=comparison({**GOOD, **changes})))
    assert verdict in page
    assert "of the best linear inverse, sLORETA, it is 20.0 (19.9 to 20.1) mm." in page


def test_the_test_split_stands_beside_validation(tmp_path):
    worse = comparison({**GOOD, "model": {"peak_error_mm": 7.0, "average_precision": 0.8}})
    estimates = [kept("row 1", 4.0)]
    run = run_with(tmp_path, rows=comparison(GOOD), test_rows=worse, estimates=estimates)
    page = render_report(run)
    for words in (
        "Beside linear inverses: validation",
        "Beside linear inverses: test",
        "Estimates on the cortex: validation",
        "Estimates on the cortex: test",
        "<strong>7.000</strong>",
        "On 8 simulated examples of test the peak error of the model is 7.000 (6.900 to 7.100) mm",
    ):
        assert words in page
    identities = re.findall(r'\bid="([^"]+)"', page)
    assert len(identities) == len(set(identities))
    assert len(page) < 1_000_000


def test_a_damaged_table_of_the_test_split_leaves_validation(tmp_path, caplog):
    run = run_with(tmp_path, rows=comparison(GOOD), test_rows=comparison(GOOD))
    (run.path / "scored/test/tables/localization.csv").write_text("no,table\n")
    page = render_report(run)
    assert "Beside linear inverses: validation" in page
    assert "Beside linear inverses: test" not in page
    assert "The table of methods on test is not shown" in caplog.text


def test_without_millimetres_methods_are_told_by_rank(tmp_path):
    only = {name: {"average_precision": some["average_precision"]} for name, some in GOOD.items()}
    page = render_report(run_with(tmp_path, rows=comparison(only)))
    assert "the average precision of the model is 0.900 (0.800 to 1.000)" in page


def test_one_level_of_noise_is_no_curve(tmp_path):
    rows = comparison(GOOD, by=(("all", "all"), ("noise", "5 dB")))
    assert "by signal-to-noise ratio" not in render_report(run_with(tmp_path, rows=rows))


def test_the_model_may_stand_alone(tmp_path):
    page = render_report(run_with(tmp_path, rows=comparison({"model": GOOD["model"]})))
    assert "best linear inverse, " not in page


def test_a_run_without_results_has_a_page(tmp_path):
    page = render_report(run_with(tmp_path))
    assert "Beside linear inverses" not in page
    assert "Words" in page


def test_damaged_estimates_are_told(tmp_path):
    run = run_with(tmp_path, rows=comparison(GOOD), estimates=[kept("row 1", 4.0)])
    (run.path / "estimates/row 1_estimate.npz").write_bytes(b"no zip")
    page = render_report(run)
    assert "Estimates of validation could not be read" in page
    assert "estimates/row 1_estimate.npz" in page
    assert str(run.path) not in page


def test_maps_beyond_the_room_are_left_out_and_told(tmp_path, monkeypatch):
    monkeypatch.setattr(section, "MAPS_LIMIT_BYTES", 10)
    run = run_with(tmp_path, rows=comparison(GOOD), estimates=[kept("row 1", 4.0)])
    page = render_report(run)
    assert "No room was left for its maps" in page
    assert "base64" not in page
