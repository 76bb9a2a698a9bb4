import pytest

from neurorun.cli.demos import crack_segmentation as demo
from neurorun.core import SILENT, DataError
from neurorun.data import ImageCorpus
from neurorun.experiment import experiment_from, resolved_plan

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch):
    monkeypatch.setattr(demo, "SIMULATED", {"n_images": 8, "height": 32, "width": 40, "seed": 1})


def test_the_pictures_fit_the_settings_and_are_made_once(tmp_path):
    settings = demo.make(tmp_path, SILENT)
    checked = experiment_from(settings, source="demo").settings
    assert len(ImageCorpus.find(checked.data).images) == 8
    before = (tmp_path / "pictures/cracks.json").stat().st_mtime_ns
    assert demo.make(tmp_path, SILENT) == settings
    assert (tmp_path / "pictures/cracks.json").stat().st_mtime_ns == before


def test_half_a_folder_is_made_again(tmp_path):
    (tmp_path / "pictures.unfinished/images").mkdir(parents=True)
    demo.make(tmp_path, SILENT)
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def test_other_pictures_are_never_used(tmp_path, monkeypatch):
    demo.make(tmp_path, SILENT)
    monkeypatch.setitem(demo.SIMULATED, "seed", 2)
    with pytest.raises(DataError, match=r"holds other data than the demo simulates; delete"):
        demo.make(tmp_path, SILENT)


def test_the_plan_says_what_the_settings_mean(tmp_path):
    plan = resolved_plan(experiment_from(demo.settings(tmp_path), source="demo"))
    for text in (
        "one probability per pixel",
        "70% train, 15% validation, 15% test of every folder",
        "4 of 96 x 96 pixels from every image in every epoch",
        "unet, 29,625 parameters",
        "training.loss with 0.5 of Dice",
    ):
        assert text in plan
