"""`neurorun simulate spikes` and `neurorun simulate plan`."""

import zipfile
from io import StringIO

import numpy as np
import pytest
from click.testing import CliRunner

from neurorun.cli import cli
from neurorun.core import ConfigError
from neurorun.simulation import (
    find_clips,
    read_plan,
    spherical_anatomy,
    spherical_leadfield,
    synthetic_connectivity,
    write_anatomy,
)

pytestmark = pytest.mark.integration


def invoke(*words):
    result = CliRunner().invoke(cli, ["simulate", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    anatomy = spherical_anatomy(20, 8, seed=1)
    write_anatomy(folder / "anatomy", anatomy, spherical_leadfield(anatomy))
    coupling = synthetic_connectivity(anatomy.centre_mm, seed=1)
    with zipfile.ZipFile(folder / "connectivity.zip", "w") as archive:
        for name, matrix in (("weights", coupling.weights), ("tract_lengths", coupling.length_mm)):
            text = StringIO()
            np.savetxt(text, matrix)
            archive.writestr(f"{name}.txt", text.getvalue())
    return folder


def test_clips_and_tables_are_made_from_a_connectivity(project):
    leadfield = project / "anatomy/leadfield.mat"
    spikes = ("spikes", project / "nmm_spikes", "--connectivity", project / "connectivity.zip")
    more = ("--leadfield", leadfield, "--clips", 2, "--step-ms", 1, "--regions", "0-1,7")
    result = invoke(*spikes, *more)
    assert "6 clips of 3 regions" in result.output
    assert len(find_clips(project / "nmm_spikes")) == 6
    result = invoke("plan", project, "--leadfield", leadfield, "--train", 8, "--test", 4)
    paths = [line for line in result.output.splitlines() if line.endswith("source1.mat")]
    assert [len(read_plan(path, n_regions=20)) for path in paths] == [8, 4]


def test_regions_that_never_spike_are_named(project, tmp_path):
    words = ("spikes", tmp_path, "--connectivity", project / "connectivity.zip", "--regions", "3")
    result = CliRunner().invoke(
        cli,
        ["simulate", *map(str, words), "--mu", "0.05", "--max-minutes", "0.1", "--step-ms", "1"],
        standalone_mode=False,
    )
    assert result.return_value == 3
    assert "1 regions have fewer than 10: 3" in result.output


def test_a_connectivity_is_asked_for(tmp_path):
    with pytest.raises(ConfigError, match="--connectivity is missing; give a zip file"):
        invoke("spikes", tmp_path)


def test_regions_that_are_no_numbers_are_refused(project, tmp_path):
    words = ("spikes", tmp_path, "--connectivity", project / "connectivity.zip")
    assert "'x' is no number and no range" in invoke(*words, "--regions", "1,x").output
