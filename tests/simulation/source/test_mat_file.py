"""Files of MATLAB and Octave."""

import gzip
import struct

import numpy as np
import pytest

from neurorun.core import DataError, FormatError
from neurorun.simulation import load_mat, save_mat

pytestmark = pytest.mark.unit

TWINS = {
    "leadfield_75_20k.mat": "anatomy/leadfield_75_20k.mat",
    "nmm_1.mat": "source/nmm_spikes/a1/nmm_1.mat",
    "test_sample_source1.mat": "source/test_sample_source1.mat",
    "train_sample_source1.mat": "source/train_sample_source1.mat",
}


def assert_same(found, expected, place=""):
    assert type(found) is type(expected), place
    if isinstance(expected, dict):
        assert set(found) == set(expected), place
        for name, value in expected.items():
            assert_same(found[name], value, f"{place}/{name}")
    elif isinstance(expected, str):
        assert found == expected, place
    elif expected.dtype == object:
        assert found.shape == expected.shape, place
        for index in np.ndindex(expected.shape):
            assert_same(found[index], expected[index], f"{place}{index}")
    else:
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype), place
        np.testing.assert_array_equal(found, expected, err_msg=place)


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize("kind", ["octave", "v73"])
def test_every_format_equals_its_v7_twin(shared, project, kind, name):
    assert_same(load_mat(shared / "formats" / kind / name), load_mat(project / TWINS[name]))


def test_octave_text_with_one_source_equals_its_twin(shared):
    folder = shared / "formats/single_source"
    assert_same(load_mat(folder / "octave.mat"), load_mat(folder / "v7.mat"))


@pytest.mark.parametrize(
    "name", ["octave_v6", "octave_v7", "octave_hdf5", "octave_binary", "hdf5_matlab73_layout"]
)
def test_what_octave_wrote_equals_the_table_that_it_wrote(esi_real, name):
    found = load_mat(esi_real / f"loader_formats/{name}.mat")
    table = load_mat(esi_real / "nmm_pipeline/source/test_sample_source1.mat", list(found))
    assert len(found) >= 5
    assert_same(found, table)


def test_text_that_is_gzipped_is_read(esi_real):
    found = load_mat(esi_real / "loader_formats/octave_text_gz.mat")
    table = load_mat(esi_real / "nmm_pipeline/source/train_sample_source1.mat", list(found))
    assert_same(found, table)


def test_v4_is_read(esi_real):
    found = load_mat(esi_real / "loader_formats/octave_v4.mat")
    table = load_mat(esi_real / "nmm_pipeline/source/test_sample_source1.mat", list(found))
    assert_same(found, table)


def test_structures_cells_and_text_of_v73_equal_those_of_v7(esi_real):
    folder = esi_real / "loader_formats"
    new, old = (load_mat(folder / f"matlab_{name}.mat") for name in ("v73_real", "v7_same_content"))
    assert_same(new, old)


def test_a_v5_file_that_is_named_v73_is_read(esi_real):
    assert load_mat(esi_real / "loader_formats/named_v73_but_is_v5.mat")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("truncated", "is cut off or damaged"),
        ("not_a_mat_file", r"begins with b'\\x00\\x01.*are read"),
        ("empty_file", r"is empty; files of MATLAB .* Write it again with save -v7"),
    ],
)
def test_odd_files_are_refused_by_name(shared, name, message):
    with pytest.raises(FormatError, match=f"{name}.mat' {message}"):
        load_mat(shared / f"formats/odd/{name}.mat")


def test_absent_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.mat' does not exist; check the path"):
        load_mat(tmp_path / "none.mat")
    with pytest.raises(DataError, match="cannot be read"):
        load_mat(tmp_path)


def octave(tmp_path, text):
    path = tmp_path / "x.mat"
    path.write_bytes(b"# Created by Octave 7.3.0\n" + text)
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"# name: x\n# type: scalar\n3.5\n", np.array([[3.5]])),
        (b"# name: x\n# type: float scalar\n3.5\n", np.array([[3.5]], np.float32)),
        (b"# name: x\n# type: bool\n1\n", np.array([[True]])),
        (b"# name: x\n# type: bool matrix\n# ndims: 2\n 1 2\n 1\n 0\n", np.array([[True, False]])),
        (
            b"# name: x\n# type: matrix\n# rows: 1\n# columns: 4\n NaN Inf -Inf NA\n",
            np.array([[np.nan, np.inf, -np.inf, np.nan]]),
        ),
        (b"# name: x\n# type: matrix\n# rows: 2\n# columns: 1\n 1\n 2\n", np.array([[1.0], [2.0]])),
        (b"# name: x\n# type: matrix\n# rows: 0\n# columns: 0\n", np.empty((0, 0))),
        (
            b"# name: x\n# type: int64 matrix\n# ndims: 2\n 1 1\n 9007199254740993\n",
            np.array([[9007199254740993]]),
        ),
        (
            b"# name: x\n# type: uint8 matrix\n# ndims: 2\n 2 2\n 1\n 2\n 3\n 4\n",
            np.array([[1, 3], [2, 4]], np.uint8),
        ),
    ],
)
def test_kinds_of_octave_text(tmp_path, text, expected):
    assert_same(load_mat(octave(tmp_path, text)), {"x": expected})


def test_text_variables_of_octave(tmp_path):
    text = b"# name: x\n# type: string\n# elements: 1\n# length: 5\nhello\n\n\n"
    assert load_mat(octave(tmp_path, text)) == {"x": "hello"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"# name: x\n# type: complex matrix\n# rows: 1\n# columns: 1\n (1,2)\n", "type 'complex"),
        (b"# name: x\n# type: cell\n# rows: 1\n# columns: 1\n", "of type 'cell'; real numbers"),
        (b"# name: x\n# type: matrix\n# rows: 2\n# columns: 2\n 1 2\n 3\n", "holds 3 values"),
        (b"# name: x\n# type: matrix\n 1 2\n", "does not state its size"),
        (b"# name: x\n# type: matrix\n# ndims: 3\n 1 2\n 1\n", "states 3 axes and the sizes"),
        (
            b"# name: x\n# type: matrix\n# rows: 1\n# columns: 2\n 1 what\n",
            "else than real",
        ),
        (b"\n", "holds no variable"),
    ],
)
def test_octave_text_that_cannot_be_read_is_refused(tmp_path, text, message):
    with pytest.raises(FormatError, match=message):
        load_mat(octave(tmp_path, text))


def test_windows_line_ends_do_no_harm(tmp_path):
    text = b"# name: x\r\n# type: matrix\r\n# rows: 1\r\n# columns: 2\r\n 1 2\r\n"
    assert load_mat(octave(tmp_path, text))["x"].tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("mat_format", ["v7", "hdf5"])
def test_what_is_written_is_read_back(tmp_path, mat_format):
    fields = {
        "deep": np.arange(24.0).reshape(3, 2, 4),
        "single": np.arange(4, dtype=np.float32)[None],
        "flags": np.array([[True, False]]),
        "counts": np.array([[1], [2]], np.int32),
    }
    save_mat(tmp_path / "x.mat", fields, mat_format=mat_format)
    assert_same(load_mat(tmp_path / "x.mat"), fields)
    assert set(load_mat(tmp_path / "x.mat", ["deep"])) == {"deep"}


def test_hdf5_in_an_archive_is_read(tmp_path):
    save_mat(tmp_path / "x.mat", {"a": np.eye(2)}, mat_format="hdf5")
    (tmp_path / "x.gz").write_bytes(gzip.compress((tmp_path / "x.mat").read_bytes()))
    assert load_mat(tmp_path / "x.gz")["a"].tolist() == [[1, 0], [0, 1]]


def test_damaged_archives_and_hdf5_are_refused(tmp_path):
    save_mat(tmp_path / "x.mat", {"a": np.eye(200)}, mat_format="hdf5")
    content = (tmp_path / "x.mat").read_bytes()
    (tmp_path / "half.mat").write_bytes(content[: len(content) // 2])
    (tmp_path / "half.gz").write_bytes(gzip.compress(content)[:200])
    for name in ("half.mat", "half.gz"):
        with pytest.raises(FormatError, match="cut off or damaged"):
            load_mat(tmp_path / name)


def test_sparse_matrices_are_refused(tmp_path):
    from scipy.io import savemat
    from scipy.sparse import csc_array

    savemat(tmp_path / "x.mat", {"a": csc_array(np.eye(3))})
    with pytest.raises(FormatError, match=r"'a' of .* is not read; store it as a full array"):
        load_mat(tmp_path / "x.mat")


def octave_binary(kind: bytes, body: bytes) -> bytes:
    def text(value):
        return struct.pack("<i", len(value)) + value

    return b"Octave-1-L\x00" + text(b"x") + text(b"") + b"\x00\xff" + text(kind) + body


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (b"scalar", b"\x07" + struct.pack("<d", 2.5), np.array([[2.5]])),
        (b"matrix", struct.pack("<iii", -2, 1, 2) + b"\x00\x01\x02", np.array([[1.0, 2.0]])),
        (b"matrix", struct.pack("<ii", 1, 2) + b"\x00\x01\x02", np.array([[1.0, 2.0]])),
        (b"int16 matrix", struct.pack("<iiihh", -2, 2, 1, 3, 4), np.array([[3], [4]], np.int16)),
    ],
)
def test_kinds_of_octave_binary(tmp_path, kind, body, expected):
    (tmp_path / "x.mat").write_bytes(octave_binary(kind, body))
    assert_same(load_mat(tmp_path / "x.mat"), {"x": expected})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (octave_binary(b"cell", b""), "'x' of .* is of type 'cell'; plain real matrices"),
        (octave_binary(b"matrix", b"\x01"), "cut off or damaged"),
        (octave_binary(b"scalar", b"\x07\x00"), "8 bytes are announced, 1 are there"),
    ],
)
def test_octave_binary_that_cannot_be_read_is_refused(tmp_path, content, message):
    (tmp_path / "x.mat").write_bytes(content)
    with pytest.raises(FormatError, match=message):
        load_mat(tmp_path / "x.mat")
