"""Observers of crack segmentation: a few small pictures, and what is seen of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from neurorun.data.images import corpus as corpus_module
from neurorun.models import build_crack_network
from neurorun.simulation import CrackPlan, simulate_cracks
from neurorun.training.losses import SampleLoss

SWIN = {
    "image_size": 64,
    "window_size": 4,
    "embed_dim": 12,
    "depths": (1, 1, 1, 1),
    "num_heads": (1, 2, 3, 6),
    "aspp_channels": 16,
    "aspp_dilations": (1, 2),
    "decoder_channels": (12, 8, 8),
}

TINY = {
    "task": "crack_segmentation",
    "experiment.device": "cpu",
    "data.data_dir": "pavements",
    "data.crop_size": 32,
    "data.crops_per_image": 1,
    "data.batch_size": 3,
    "data.num_workers": 0,
    "model.unet.channels": (8, 16),
    "model.swinv2": SWIN,
    "evaluation.bootstrap_resamples": 100,
    "evaluation.n_overlays": 2,
}


@pytest.fixture(scope="session")
def tiny() -> dict[str, Any]:
    return TINY


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of pictures with masks, by name; tests must not change them."""
    folder = tmp_path_factory.mktemp("pictures")
    plan = CrackPlan(n_images=12, height=40, width=56, without_cracks=0.3, seed=3)
    simulate_cracks(folder / "pavements", plan)
    simulate_cracks(folder / "walls", plan.model_copy(update={"seed": 4}))
    simulate_cracks(folder / "grey", plan)
    for path in (folder / "grey/masks").iterdir():
        mask = np.array(Image.open(path))
        mask[:4, :4] = 60  # marked by one rule and not by the other
        Image.fromarray(mask).save(path)
    simulate_cracks(folder / "large", CrackPlan(n_images=8, height=300, width=310, seed=3))
    return folder


@pytest.fixture(scope="session")
def trained_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a SwinV2 as they are distributed."""
    from safetensors.torch import save_file

    from neurorun.models import CrackSwin, CrackSwinConfig

    with torch.random.fork_rng():
        torch.manual_seed(9)
        encoder = CrackSwin(CrackSwinConfig(**SWIN)).encoder
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    save_file({f"swinv2.{name}": weight for name, weight in encoder.state_dict().items()}, path)
    return path


@pytest.fixture
def prepared(place, pictures, experiment_of):
    """Prepare the data of settings in an empty folder beside the pictures."""

    def prepare(settings):
        folder = place()
        for one in pictures.iterdir():
            (folder / one.name).symlink_to(one)
        checked = experiment_of(settings)
        return checked.task.prepare(checked.settings)

    return prepare


@pytest.fixture
def division(prepared):
    """Which pictures are in which split."""
    return lambda settings: prepared(settings).members()


@pytest.fixture
def decoded(prepared, monkeypatch):
    """How many pictures are decoded in two epochs."""

    def observe(settings):
        read, places = corpus_module._read_pair, []

        def reading(pair, values):
            places.append(pair)
            return read(pair, values)

        with monkeypatch.context() as patch:
            patch.setattr(corpus_module, "_read_pair", reading)
            task = prepared(settings)
            for epoch in (1, 2):
                list(task.batches(epoch))
        return len(places)

    return observe


@pytest.fixture
def network(experiment_of, trained_encoder, bits_of):
    """Weights, and logits in training and after it."""

    def observe(settings):
        settings = {
            key: str(trained_encoder) if value == "trained" else value
            for key, value in settings.items()
        }
        torch.manual_seed(0)
        model = build_crack_network(experiment_of(settings).settings.model)
        pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
        torch.manual_seed(2)
        with torch.no_grad():
            trained, after = model.train()(pictures), model.eval()(pictures)
        return bits_of([list(model.state_dict().values()), trained, after])

    return observe


class Says(nn.Module):
    """Gives these logits, whatever it is shown."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, _: torch.Tensor) -> torch.Tensor:
        return self.logits


@pytest.fixture
def loss(prepared):
    """Loss of three pictures, one of them without a crack."""

    def observe(settings):
        rng = torch.Generator().manual_seed(1)
        logits = torch.randn(3, 8, 8, generator=rng)
        masks = torch.rand(3, 8, 8, generator=rng) < torch.tensor([0.0, 0.2, 0.6])[:, None, None]
        figures = prepared(settings).loss(
            Says(logits), torch.zeros(3, 3, 8, 8), masks.float(), SampleLoss("bce")
        )
        return float(figures["loss"])

    return observe


class Darkness(nn.Module):
    """Calls dark pixels cracks, and remembers the sizes of what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(8.0))
        self.seen: list[tuple[int, ...]] = []

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        self.seen.append(tuple(pictures.shape[-2:]))
        return self.slope * (0.35 - pictures.mean(dim=1))


@pytest.fixture
def scores(prepared):
    """Metrics and intervals of a network that looks for darkness."""

    def observe(settings):
        found = prepared(settings).results(Darkness().eval())
        intervals = [(row["low"], row["high"]) for row in found.interval_rows()]
        return repr((found.metrics, intervals))  # NaN equals NaN here

    return observe


@pytest.fixture
def overlays(prepared):
    """Pictures that are drawn for the report."""

    def observe(settings):
        return [one.name for one in prepared(settings).results(Darkness().eval()).overlays]

    return observe


@pytest.fixture
def tiles(prepared):
    """Sizes of what a network is shown when whole pictures are predicted."""

    def observe(settings):
        network = Darkness().eval()
        prepared(settings).results(network)
        return network.seen

    return observe
