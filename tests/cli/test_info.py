import json

import pytest
from click.testing import CliRunner

from neurorun.cli import cli, main
from neurorun.data import PreprocessingConfig, build_cache, find_recordings
from neurorun.simulation import CorpusPlan, simulate_corpus

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    root = tmp_path_factory.mktemp("info")
    simulate_corpus(root / "corpus", CorpusPlan(n_patients=3, recordings_per_patient=1, minutes=1))
    entries = find_recordings(root / "corpus")
    build_cache(entries, root, split="all", preprocessing=PreprocessingConfig(), rate_hz=256.0)
    return root / "all"


def test_it_prints_what_a_cache_holds(cache):
    result = CliRunner().invoke(cli, ["info", str(cache)])
    assert result.exit_code == 0
    for told in ("3 of 3 patients", "3 ok", "19 channels at 256 Hz", "Fp1", "fingerprint"):
        assert told in result.output


def test_it_prints_every_figure_as_json(cache):
    result = CliRunner().invoke(cli, ["info", str(cache), "--json"])
    figures = json.loads(result.output)
    assert (figures["n_recordings"], figures["rate_hz"]) == (3, 256.0)
    assert figures["n_bytes"] == sum(path.stat().st_size for path in cache.glob("*.npz"))


def test_a_folder_without_cache_is_a_user_error(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["info", str(tmp_path)])
    assert stopped.value.code == 2
    assert "holds no cache.json" in capsys.readouterr().err
