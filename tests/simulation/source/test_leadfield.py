"""Leadfields."""

import numpy as np
import pytest

from neurorun.core import FormatError
from neurorun.simulation import load_leadfield, save_mat

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", ["fwd", "forward", "leadfield", "L", "G"])
@pytest.mark.parametrize("turned", [False, True])
def test_every_name_and_orientation_gives_channels_by_regions(tmp_path, name, turned):
    matrix = np.arange(24.0).reshape(4, 6)
    save_mat(tmp_path / "x.mat", {name: matrix.T if turned else matrix})
    np.testing.assert_array_equal(load_leadfield(tmp_path / "x.mat"), matrix)


@pytest.mark.parametrize(
    "name",
    [
        "source_imaging/formats/odd/leadfield_transposed.mat",
        "source_imaging/formats/octave/leadfield_75_20k.mat",
        "source_imaging/formats/v73/leadfield_75_20k.mat",
        "esi_real/loader_formats/forward_key_leadfield_994x75.mat",
    ],
)
def test_the_same_leadfield_in_other_files(shared, leadfield, name):
    found = load_leadfield(shared.parent / name, n_regions=994)
    np.testing.assert_allclose(found, leadfield, rtol=1e-6)


@pytest.mark.parametrize(
    ("fields", "n_regions", "message"),
    [
        ({"foo": np.eye(2)}, None, "holds foo; a leadfield is called fwd, forward"),
        ({"fwd": np.eye(3)}, None, "is 3 x 3; one side, and only one"),
        ({"fwd": np.zeros((4, 6))}, 5, "is 4 x 6; one side, and only one, must have 5 regions"),
        ({"fwd": np.full((2, 3), np.nan)}, None, "has 6 values that are not finite"),
        ({"fwd": np.zeros((2, 3, 4))}, None, "a leadfield is a real matrix"),
    ],
)
def test_what_is_no_leadfield_is_refused(tmp_path, fields, n_regions, message):
    save_mat(tmp_path / "x.mat", fields)
    with pytest.raises(FormatError, match=message):
        load_leadfield(tmp_path / "x.mat", n_regions=n_regions)
