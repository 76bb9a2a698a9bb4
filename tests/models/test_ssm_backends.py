import sys
import types

import pytest
import torch

from neurorun.core import ConfigError, MissingExtraError
from neurorun.models import Mamba2, MambaConfig, SeizureDetectorConfig, build_detector
from neurorun.models.ssm_backends import build_ssm

pytestmark = pytest.mark.unit

CONFIG = MambaConfig(d_model=8, head_dim=2, d_state=4, conv_kernel=3, chunk_size=7)


class StandIn(Mamba2):
    """Takes the arguments of mamba_ssm.Mamba2 and has its parameters."""

    def __init__(self, *, d_model, d_state, d_conv, expand, headdim, chunk_size):
        super().__init__(
            d_model,
            d_state=d_state,
            conv_kernel=d_conv,
            expand=expand,
            head_dim=headdim,
            chunk=chunk_size,
        )


@pytest.fixture
def mamba_ssm(monkeypatch):
    module = types.ModuleType("mamba_ssm")
    module.Mamba2 = StandIn
    monkeypatch.setitem(sys.modules, "mamba_ssm", module)


def test_our_own_layer_has_the_sizes_of_the_configuration():
    layer = build_ssm(CONFIG, "torch")
    assert type(layer) is Mamba2
    assert (layer.d_state, layer.head_dim, layer.chunk) == (4, 2, 7)
    assert (layer.conv1d.kernel_size, layer.in_proj.in_features) == ((3,), 8)


def test_mamba_ssm_is_never_replaced_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "mamba_ssm", None)
    with pytest.raises(MissingExtraError, match=r"not installed. Install it .* or choose ssm_bac"):
        build_ssm(CONFIG, "mamba_ssm")


def test_an_error_inside_mamba_ssm_is_not_taken_for_its_absence(monkeypatch, tmp_path):
    (tmp_path / "mamba_ssm.py").write_text("import a_library_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mamba_ssm", raising=False)
    with pytest.raises(ModuleNotFoundError, match="a_library_that_is_not_there") as caught:
        build_ssm(CONFIG, "mamba_ssm")
    assert not isinstance(caught.value, MissingExtraError)


@pytest.mark.usefixtures("mamba_ssm")
def test_mamba_ssm_is_refused_away_from_cuda():
    layer = build_ssm(CONFIG, "mamba_ssm")
    with pytest.raises(ConfigError, match=r"on 'cpu'; its kernels need a CUDA device. Move"):
        layer(torch.zeros(1, 5, 8))


@pytest.mark.usefixtures("mamba_ssm")
def test_weights_move_between_the_backends():
    sizes = {"preset": "small", "mamba": {"head_dim": 8}}
    theirs = build_detector(SeizureDetectorConfig(**sizes, ssm_backend="mamba_ssm"), 19)
    ours = build_detector(SeizureDetectorConfig(**sizes), 19)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    assert type(theirs.mamba[0].forwards) is StandIn
