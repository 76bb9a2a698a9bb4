"""The detector on CUDA; skipped elsewhere. Speed there is measured by benchmarks/training.py."""

import subprocess
import sys

import pytest
import torch

from neurorun.models import DetectorStream, SeizureDetectorConfig, build_detector

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"),
]

COMPILED = """
import torch
from neurorun.models import SeizureDetectorConfig, build_detector
torch.manual_seed(0)
detector = build_detector(SeizureDetectorConfig(preset="small"), 19).cuda().eval()
eeg = torch.randn(2, 19, 15360, device="cuda")
with torch.no_grad():
    torch.testing.assert_close(torch.compile(detector)(eeg), detector(eeg), atol=1e-3, rtol=1e-3)
"""


def detector_of(**options):
    torch.manual_seed(0)
    return build_detector(SeizureDetectorConfig.model_validate(options), 19)


@pytest.mark.parametrize("preset", ["small", "medium", "full"])
def test_logits_are_those_of_the_cpu(preset):
    detector = detector_of(preset=preset).eval()
    eeg = torch.randn(1, 19, 15360)
    with torch.no_grad():
        expected = detector(eeg)
        found = detector.cuda()(eeg.cuda()).cpu()
    torch.testing.assert_close(found, expected, atol=5e-3, rtol=5e-3)  # convolutions in TF32


def test_a_step_in_16_bits_has_finite_gradients_near_those_in_32():
    detector = detector_of(preset="medium").cuda().train()
    eeg = torch.randn(2, 19, 15360, device="cuda")
    target = (torch.rand(2, 15360, device="cuda") > 0.5).float()
    gradients = []
    for enabled in (False, True):
        detector.zero_grad()
        with torch.autocast("cuda", torch.bfloat16, enabled=enabled):
            logits = detector(eeg)
        torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), target).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in detector.parameters()]))
    assert torch.isfinite(gradients[1]).all()
    assert torch.nn.functional.cosine_similarity(*gradients, dim=0) > 0.9


def test_a_stream_gives_what_the_whole_signal_gives():
    detector = detector_of(preset="small", causal=True).cuda().eval()
    eeg = torch.randn(1, 19, 2560, device="cuda")
    stream = DetectorStream(detector)
    pieces = [stream.push(piece) for piece in eeg.split(300, dim=-1)]
    with torch.no_grad():
        expected = detector(eeg)
    found = torch.cat([*pieces, stream.finish()], dim=1)
    torch.testing.assert_close(found, expected, atol=5e-3, rtol=5e-3)


def test_the_compiled_detector_gives_the_same_logits():
    done = subprocess.run(
        [sys.executable, "-c", COMPILED], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
