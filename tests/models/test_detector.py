import shutil
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorun.core import DataError
from neurorun.models import SeizureDetectorConfig, build_detector, count_parameters

pytestmark = pytest.mark.unit

NEEDS_COMPILER = (
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler"),
)

TINY = {
    "encoder": {"channels": (4, 6), "kernel_size": 3},
    "rescnn": {"n_blocks": 1, "kernel_sizes": (3, 5)},
    "mamba": {"n_layers": 1, "d_model": 6, "head_dim": 4, "d_state": 3},
}


def tiny(**sections):
    merged = {name: {**TINY.get(name, {}), **value} for name, value in sections.items()}
    torch.manual_seed(0)
    return build_detector(SeizureDetectorConfig.model_validate({**TINY, **merged}), 3)


def test_full_preset_has_the_published_size():
    detector = build_detector(SeizureDetectorConfig(), 19)
    parts = {
        "encoder": [detector.stem, detector.encoder],
        "rescnn": [detector.rescnn],
        "mamba": [detector.mamba],
        "decoder": [detector.decoder, detector.to_channels],
        "head": [detector.head],
    }
    assert {name: sum(map(count_parameters, part)) for name, part in parts.items()} == {
        "encoder": 3_333_184,
        "rescnn": 4_733_952,
        "mamba": 22_400_448,
        "decoder": 2_138_835,
        "head": 20,
    }
    assert count_parameters(detector) == 32_606_439


def test_small_preset_is_small():
    assert count_parameters(build_detector(SeizureDetectorConfig(preset="small"), 19)) <= 600_000


@pytest.mark.parametrize("preset", ["small", "medium"])
def test_one_logit_per_sample(preset):
    detector = build_detector(SeizureDetectorConfig(preset=preset), 19)
    assert detector(torch.randn(2, 19, 1024)).shape == (2, 1024)


@given(n_samples=st.integers(1, 70))
@settings(max_examples=25, deadline=None)
def test_any_length_is_that_of_the_signal_filled_up_with_zeros(n_samples):
    detector = tiny(encoder={"downsample_factor": 3}, decoder={"kernel_size": 4}).eval()
    eeg = torch.randn(2, 3, n_samples)
    filled = torch.nn.functional.pad(eeg, (0, -n_samples % 9))
    assert torch.equal(detector(eeg), detector(filled)[:, :n_samples])


CHANGES = {
    "channels": {"encoder": {"channels": (5, 6)}},
    "more channels": {"encoder": {"channels": (4, 5, 6)}},
    "kernel_size": {"encoder": {"kernel_size": 9}},
    "downsample_factor": {"encoder": {"downsample_factor": 4}, "decoder": {"kernel_size": 4}},
    "n_blocks": {"rescnn": {"n_blocks": 0}},
    "kernel_sizes": {"rescnn": {"kernel_sizes": (11,)}},
    "n_layers": {"mamba": {"n_layers": 2}},
    "no layers": {"mamba": {"n_layers": 0}},
    "d_model": {"mamba": {"d_model": 8}},
    "d_state": {"mamba": {"d_state": 1}},
    "conv_kernel": {"mamba": {"conv_kernel": 9}},
    "expand": {"mamba": {"expand": 4}},
    "head_dim": {"mamba": {"head_dim": 1}},
    "decoder.stages": {"decoder": {"stages": 1}},
    "decoder.kernel_size": {"decoder": {"kernel_size": 5}},
    "causal": {"causal": True},
}


@pytest.mark.parametrize("sections", CHANGES.values(), ids=CHANGES.keys())
def test_every_size_changes_the_network_and_every_network_runs(sections):
    flags = {k: v for k, v in sections.items() if not isinstance(v, dict)}
    sizes = {k: {**TINY.get(k, {}), **v} for k, v in sections.items() if isinstance(v, dict)}
    config = SeizureDetectorConfig.model_validate({**TINY, **sizes, **flags})
    detector, before = build_detector(config, 3), tiny()
    assert detector(torch.randn(2, 3, 50)).shape == (2, 50)
    shapes = [tuple(p.shape) for p in detector.parameters()]
    assert shapes != [tuple(p.shape) for p in before.parameters()]


@pytest.mark.parametrize("section", ["rescnn", "mamba"])
def test_dropout_is_that_of_the_configuration(section):
    def rates(dropout):
        detector = tiny(**{section: {"dropout": dropout}})
        kinds = (torch.nn.Dropout, torch.nn.Dropout1d)
        return [m.p for m in getattr(detector, section).modules() if isinstance(m, kinds)]

    assert (rates(0.0), rates(0.4)) == ([0.0], [0.4])


def test_every_batch_norm_has_the_momentum_of_the_configuration():
    config = SeizureDetectorConfig.model_validate({**TINY, "norm_momentum": 0.3})
    norms = [m for m in build_detector(config, 3).modules() if isinstance(m, torch.nn.BatchNorm1d)]
    assert {norm.momentum for norm in norms} == {0.3}
    assert SeizureDetectorConfig(preset="small").norm_momentum == 0.5
    assert SeizureDetectorConfig(preset="small", norm_momentum=0.2).norm_momentum == 0.2


def test_chunk_size_changes_rounding_only():
    eeg = torch.randn(1, 3, 200)
    one, other = tiny(mamba={"chunk_size": 3}).eval(), tiny(mamba={"chunk_size": 64}).eval()
    assert one.mamba[0].forwards.chunk == 3
    torch.testing.assert_close(one(eeg), other(eeg))


def test_recomputing_changes_neither_logits_nor_gradients():
    eeg = torch.randn(2, 3, 64)

    def trained(*, recompute):
        detector = tiny(mamba={"recompute": recompute, "n_layers": 2, "dropout": 0.3})
        n_kept = 0

        def count(tensor):
            nonlocal n_kept
            n_kept += tensor.numel()
            return tensor

        torch.manual_seed(1)
        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            logits = detector(eeg)
        logits.square().sum().backward()
        return n_kept, logits, [p.grad for p in detector.parameters()]

    kept, *results = trained(recompute=False)
    kept_less, *same = trained(recompute=True)
    assert kept_less < 0.7 * kept
    torch.testing.assert_close(same, results)


def test_fewer_decoder_stages_hold_each_logit_over_its_samples():
    logits = tiny(decoder={"stages": 1})(torch.randn(1, 3, 40))
    assert torch.equal(logits[:, ::2], logits[:, 1::2])
    assert len(logits[0, ::2].unique()) > 10


def test_logits_are_those_of_the_two_last_layers_one_after_the_other():
    detector = tiny()
    x = torch.randn(2, 4, 30)
    expected = detector.head(detector.to_channels(x)).squeeze(1)
    torch.testing.assert_close(detector._logits(x), expected)


def test_gradients_reach_every_parameter():
    detector = tiny()
    detector(torch.randn(4, 3, 64)).square().sum().backward()
    assert all(p.grad is not None for p in detector.parameters())


def test_state_dict_names_are_those_documented():
    names = {name.split(".")[0] for name in tiny(mamba={"d_model": 8}).state_dict()}
    assert names == {
        "stem",
        "encoder",
        "rescnn",
        "lead_in",
        "mamba",
        "lead_out",
        "decoder",
        "to_channels",
        "head",
    }
    assert {
        "stem.conv.weight",
        "encoder.1.first.norm.running_mean",
        "encoder.0.down.weight",
        "rescnn.0.branches.1.conv.weight",
        "rescnn.0.mix.1.bias",
        "mamba.0.backwards.A_log",
        "mamba.0.merge.weight",
        "decoder.0.up.conv.weight",
        "decoder.1.second.conv.bias",
        "head.weight",
    } <= set(tiny().state_dict())


def test_weights_come_back_from_a_strict_state_dict(tmp_path):
    one, other = tiny(), tiny()
    torch.nn.init.ones_(one.head.weight)
    torch.save(one.state_dict(), tmp_path / "weights.pt")
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True), strict=True)
    eeg = torch.randn(2, 3, 32)
    assert torch.equal(one.eval()(eeg), other.eval()(eeg))


@pytest.mark.parametrize(("shape", "found"), [((1, 4, 32), "4 ch"), ((1, 3, 0), "3 ch.* 0 samp")])
def test_signal_of_another_shape_is_refused(shape, found):
    with pytest.raises(DataError, match=rf"{found}.*reads 3 channels.*Map the recording"):
        tiny()(torch.zeros(shape))


def test_logits_under_autocast_are_near_those_without():
    detector, eeg = tiny().eval(), torch.randn(2, 3, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = detector(eeg)
    torch.testing.assert_close(logits.float(), detector(eeg), atol=0.05, rtol=0.05)


def test_an_easy_task_is_learnt_in_few_steps():
    torch.manual_seed(0)
    config = SeizureDetectorConfig.model_validate({**TINY, "norm_momentum": 0.5})
    detector = build_detector(config, 3)
    optimizer = torch.optim.AdamW(detector.parameters(), lr=1e-2)
    targets = torch.zeros(8, 128)
    targets[:4, 40:90] = 1
    rhythm = torch.sin(torch.arange(128) * 0.8) * targets
    for _ in range(60):
        logits = detector(torch.randn(8, 3, 128) * 0.5 + 2 * rhythm[:, None])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = detector.eval()(torch.randn(8, 3, 128) * 0.5 + 2 * rhythm[:, None]) > 0
    assert (found == targets.bool()).float().mean() > 0.9


COMPILED = f"""
import sys, torch
from neurorun.models import SeizureDetectorConfig, build_detector
detector = build_detector(SeizureDetectorConfig.model_validate({TINY}), 3).eval()
torch.set_grad_enabled(sys.argv[1] == "eager")
compiled = torch.compile(detector, fullgraph=True, backend=sys.argv[1], dynamic=False)
for n_samples in (50, 77):
    eeg = torch.randn(2, 3, n_samples)
    torch.testing.assert_close(compiled(eeg), detector(eeg), atol=1e-4, rtol=1e-4)
if sys.argv[1] == "eager":
    compiled.train()
    compiled(eeg).sum().backward()
    assert all(p.grad is not None for p in detector.parameters())
"""


@pytest.mark.parametrize("backend", ["eager", pytest.param("inductor", marks=NEEDS_COMPILER)])
def test_compiler_captures_the_whole_graph(backend):
    # In a process of its own: the compiler cannot look through the shape checks of the tests.
    command = [sys.executable, "-c", COMPILED, backend]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
