import sys
import types
import warnings

import pytest
import torch
from torch import nn

from neurorun.core import ConfigError, DataError, MissingExtraError
from neurorun.models import SegmentClassifier, SeizureDetectorConfig, build_network
from neurorun.models.braindecode_adapter import _import_models

pytestmark = [
    pytest.mark.unit,
    pytest.mark.filterwarnings("ignore"),  # those of braindecode and what it imports
]

CHANNELS = ("Fp1", "F3", "C3", "P3", "T3")


def braindecode_is_there():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _import_models()
        except MissingExtraError:
            return False
    return True


WITH_BRAINDECODE = pytest.mark.skipif(not braindecode_is_there(), reason="needs braindecode")


def config(**options):
    return SeizureDetectorConfig.model_validate({"braindecode": options})


def build(n_samples=2560, channels=CHANNELS, **options):
    return build_network(config(**options), channels, rate_hz=256.0, n_samples=n_samples)


class Mean(nn.Module):
    """One logit per segment: the mean of its first channel; several if asked for."""

    def __init__(self, n_steps=None):
        super().__init__()
        self.n_steps = n_steps

    def forward(self, segments):
        first = segments[:, :1]
        if self.n_steps is None:
            return first.mean(dim=-1)
        return nn.functional.adaptive_avg_pool1d(first, self.n_steps)


class Viewing(nn.Module):
    """Looks at its segments in an order of its own, as only contiguous ones allow."""

    def forward(self, segments):
        assert segments.is_contiguous()
        return segments.view(len(segments), -1)[:, :1]


class Swap(nn.Module):
    def forward(self, logits):
        return logits.transpose(1, 2)


@pytest.mark.parametrize("shape", [(1, 2), (1, 2, 3), (1, 1, 1, 1)])
def test_what_is_no_logit_is_refused(shape):
    class Other(nn.Module):
        def forward(self, segments):
            return torch.zeros(shape)

    network = SegmentClassifier(Other(), n_channels=1, segment_samples=4)
    with pytest.raises(ConfigError, match=r"gives shape \(1, .*\); \(segments, 1\), or one value"):
        network(torch.zeros(1, 1, 4))


def test_each_segment_has_the_logit_of_its_own_samples():
    network = SegmentClassifier(Mean(), n_channels=2, segment_samples=3)
    eeg = torch.zeros(2, 2, 6)
    eeg[1, 0] = torch.tensor([0.0, 1, 2, 3, 4, 5])
    assert network(eeg).tolist() == [[0.0] * 6, [1.0] * 3 + [4.0] * 3]


@pytest.mark.parametrize("is_last", [True, False])
def test_steps_within_a_segment_are_held_over_their_samples(is_last):
    steps = Mean(n_steps=2) if is_last else nn.Sequential(Mean(n_steps=2), Swap())
    network = SegmentClassifier(steps, n_channels=1, segment_samples=4)
    eeg = torch.arange(8.0).reshape(1, 1, 8)
    assert network(eeg).tolist() == [[0.5, 0.5, 2.5, 2.5, 4.5, 4.5, 6.5, 6.5]]


@pytest.mark.parametrize("shape", [(1, 2, 7), (1, 3, 6), (1, 2, 0)])
def test_other_signals_are_refused(shape):
    network = SegmentClassifier(Mean(), n_channels=2, segment_samples=3)
    with pytest.raises(DataError, match="this network reads 2 channels and multiples of 3"):
        network(torch.zeros(shape))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parameters": {"drop_prob": 0.5}}, "but no name, so nothing would read them"),
        ({"segment_s": 10}, "segment_s 10.0, but no name"),
        ({"name": "EEGNet", "parameters": {"n_chans": 3}}, "sets n_chans, which follow from"),
    ],
)
def test_settings_that_nothing_would_read_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        config(**options)


@pytest.mark.parametrize(
    ("key", "value"),
    [("preset", "small"), ("causal", True), ("mamba", {"n_layers": 2}), ("norm_momentum", 0.2)],
)
def test_sizes_of_our_own_network_beside_another_are_refused(key, value):
    with pytest.raises(ValueError, match=rf"nothing would read model\.(?s:.*){key}"):
        SeizureDetectorConfig.model_validate({"braindecode": {"name": "EEGNet"}, key: value})


def test_only_what_was_given_is_refused_not_what_a_preset_stands_for():
    given = {"preset": "small", "braindecode": {"name": "EEGNet"}}
    with pytest.raises(ValueError, match=r"nothing would read model\.preset; leave these out"):
        SeizureDetectorConfig.model_validate(given)


def test_resolved_settings_are_settings_again():
    before = config(name="EEGNet", parameters={"F1": 4}, segment_s=10)
    assert SeizureDetectorConfig.model_validate(before.model_dump(mode="json")) == before
    assert (before.title, SeizureDetectorConfig().title) == ("EEGNet of braindecode", "full")


@pytest.mark.parametrize("segment_s", [7, 0.001])
def test_segments_that_do_not_fill_the_window_are_refused(segment_s):
    with pytest.raises(ConfigError, match="which whole segments must fill"):
        build(name="EEGNet", segment_s=segment_s)


class Refusing:
    """Fails where a module is looked for."""

    def __init__(self, module, error):
        self.module, self.error = module, error

    def find_spec(self, name, path=None, target=None):
        if name == self.module:
            raise self.error


@pytest.fixture
def without_braindecode(monkeypatch):
    for name in list(sys.modules):
        if name.partition(".")[0] == "braindecode":
            monkeypatch.delitem(sys.modules, name)


def test_without_the_library_the_message_installs_it(monkeypatch, without_braindecode):
    error = ModuleNotFoundError("No module named 'braindecode'", name="braindecode")
    finder = Refusing("braindecode", error)
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    with pytest.raises(MissingExtraError, match=r"neurorun\[braindecode\]"):
        build(name="EEGNet")


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("No module named 'torchaudio'", name="torchaudio"), OSError("so")]
)
def test_without_torchaudio_the_message_says_what_to_do(monkeypatch, without_braindecode, error):
    package = types.ModuleType("braindecode")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "braindecode", package)
    finder = Refusing("braindecode.models", error)
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    with pytest.raises(MissingExtraError, match=r"cannot be imported: .* install the torchaudio"):
        build(name="EEGNet")


@WITH_BRAINDECODE
@pytest.mark.parametrize(
    "name",
    [
        "EEGNet", "ShallowFBCSPNet", "Deep4Net", "BDTCN", "SPARCNet", "BIOT", "DANCE", "TCN",
        "InterpolatedBIOT",
    ],
)  # fmt: skip
def test_networks_of_braindecode_give_one_logit_per_sample(name):
    torch.manual_seed(0)
    network = build(name=name, segment_s=5).train()
    eeg = torch.randn(2, len(CHANNELS), 2560)
    logits = network(eeg)
    assert logits.shape == (2, 2560)
    n_held = {"DANCE": 5, "TCN": 1}.get(name, 1280)  # these give many steps for a segment
    assert torch.equal(logits[:, :n_held], logits[:, :1].expand(2, n_held))
    logits.mean().backward()
    assert any(p.grad is not None and bool(p.grad.abs().sum()) for p in network.parameters())
    again = build(name=name, segment_s=5)
    again.load_state_dict(network.state_dict())
    torch.testing.assert_close(again.eval()(eeg), network.eval()(eeg))


@WITH_BRAINDECODE
def test_a_network_of_braindecode_learns():
    torch.manual_seed(0)
    network = build(name="EEGNet", n_samples=512, segment_s=1)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    targets = torch.tensor([[0.0, 1.0], [1.0, 0.0]] * 8).repeat_interleave(256, dim=1)
    eeg = torch.randn(16, len(CHANNELS), 512) * (1 + 3 * targets[:, None])
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(network(eeg), targets)
        loss.backward()
        optimizer.step()
    assert float(loss) < 0.3


@WITH_BRAINDECODE
def test_parameters_reach_the_network():
    assert build(name="EEGNet", parameters={"F1": 4}).network.F1 == 4


@WITH_BRAINDECODE
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "EEGnet"}, "Did you mean 'EEGNet'"),
        ({"name": "EEGNet", "parameters": {"drop_probb": 0.5}}, "Did you mean 'drop_prob'"),
        ({"name": "EEGNet", "parameters": {"pool_mode": "none"}}, "cannot be made for 5 channels"),
        ({"name": "USleep"}, "cannot be made for 5 channels, 2560 samples at 256 Hz"),
    ],
)
def test_what_braindecode_cannot_do_is_told(options, message):
    with pytest.raises(ConfigError, match=message):
        build(**options)


def test_a_network_gets_contiguous_segments_of_a_single_window_too():
    adapter = SegmentClassifier(Viewing(), n_channels=2, segment_samples=4)
    assert adapter(torch.zeros(1, 2, 12)).shape == (1, 12)
