import dataclasses

import numpy as np
import pytest

from neurorun.core import FormatError, RunError
from neurorun.runs.estimates import (
    Cortex,
    KeptEstimate,
    MethodEstimate,
    estimate_path,
    estimates_of,
    read_cortex,
    read_estimate,
    write_cortex,
    write_estimate,
)

pytestmark = pytest.mark.unit


def method_with(seed=1, **changes):
    rng = np.random.default_rng(seed)
    parts = {
        "method": "sLORETA",
        "strengths": rng.random(12, np.float32),
        "at_centre": rng.random((2, 50), np.float32),
        "at_peak": rng.random((2, 50), np.float32),
        "peaks": np.array([3, 9]),
        "error_mm": 12.5,
    }
    return MethodEstimate(**(parts | changes))


def kept_with(**changes):
    rng = np.random.default_rng(0)
    parts = {
        "example": "row 7",
        "snr_db": 10.0,
        "rate_hz": 500.0,
        "centres": np.array([4, 8]),
        "active": np.array([4, 5, 8]),
        "strengths": rng.random(12, np.float32),
        "at_centre": rng.random((2, 50), np.float32),
        "methods": (method_with(method="model"), method_with(2)),
    }
    return KeptEstimate(**(parts | changes))


def cortex_with(**changes):
    parts = {
        "vertices_mm": np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32),
        "triangles": np.array([[0, 1, 2], [2, 3, 4]], np.int32),
        "region_of_vertex": np.array([0, 0, 1, 1, 2], np.int32),
        "centre_mm": np.zeros((3, 3), np.float32),
    }
    return Cortex(**(parts | changes))


def same(one, other):
    for field in dataclasses.fields(one):
        first, second = getattr(one, field.name), getattr(other, field.name)
        if field.name == "methods":
            assert len(first) == len(second)
            for pair in zip(first, second, strict=True):
                same(*pair)
        else:
            np.testing.assert_array_equal(first, second)


def test_estimates_come_back(tmp_path):
    kept = kept_with()
    write_estimate(tmp_path, kept)
    write_cortex(tmp_path, cortex_with())
    found = estimates_of(tmp_path)
    assert found.keys() == ["row 7"]
    same(found["row 7"], kept)


def test_cortex_comes_back(tmp_path):
    write_cortex(tmp_path, cortex_with())
    same(read_cortex(tmp_path), cortex_with())


def test_an_example_without_methods_comes_back(tmp_path):
    write_estimate(tmp_path, kept_with(methods=()))
    assert estimates_of(tmp_path)["row 7"].methods == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strengths": np.zeros(11, np.float32)}, r"one shape for all methods"),
        ({"centres": np.array([4])}, r"for 1 sources at 500 Hz; one shape"),
        ({"rate_hz": 0.0}, r"at 0 Hz; one shape"),
        ({"methods": (method_with(strengths=np.full(12, np.nan, np.float32)),)}, r"not finite"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(changes, message):
    with pytest.raises(RunError, match=message):
        kept_with(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"triangles": np.array([[0, 1, 5]], np.int32)}, r"5 vertices and 3 regions, but"),
        ({"region_of_vertex": np.array([0, 0, 1, 1, -1], np.int32)}, r"numbers from 0 are needed"),
        ({"centre_mm": np.full((3, 3), np.nan, np.float32)}, r"places that are not finite"),
    ],
)
def test_surfaces_that_cannot_be_are_refused(changes, message):
    with pytest.raises(RunError, match=message):
        cortex_with(**changes)


def test_damage_is_told(tmp_path):
    write_estimate(tmp_path, kept_with())
    write_cortex(tmp_path, cortex_with())
    for path, read in (
        (tmp_path / estimate_path("row 7"), read_estimate),
        (tmp_path / "estimates/cortex.npz", lambda path: read_cortex(path.parent.parent)),
    ):
        whole = path.read_bytes()
        renamed = whole.replace(b"centre", b"c3ntre")
        for damaged in (b"", b"no zip", whole[: len(whole) // 2], renamed):
            path.write_bytes(damaged)
            with pytest.raises(FormatError, match=r"is not a readable (estimate|cortex)"):
                read(path)


def test_a_later_version_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, header=np.array('{"format": "neurorun-estimate", "format_version": 2}'))
    with pytest.raises(FormatError, match=r"\('neurorun-estimate', 2\); this neurorun reads"):
        read_estimate(path)
