import numpy as np
import pytest
import torch

from neurorun.models import NeuroGATE_Gaze_MultiRes
from neurorun.tasks.abnormality.explanation import integrated_gradients, randomised

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def model():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = NeuroGATE_Gaze_MultiRes(22, 2, 500, gate="normalized")
    network.train()
    for _ in range(3):  # running means that are not those of the start
        network(torch.randn(4, 22, 500))
    return network.eval()


SIGNAL = np.random.default_rng(0).standard_normal((22, 500)).astype(np.float32)


def test_gradients_are_those_of_captum(model):
    attr = pytest.importorskip("captum.attr")
    theirs = attr.IntegratedGradients(lambda x: model(x, True)["logits"])
    wanted = theirs.attribute(
        torch.from_numpy(SIGNAL)[None], target=1, n_steps=16, method="gausslegendre"
    )
    found = integrated_gradients(model, SIGNAL, 1, n_steps=16)
    np.testing.assert_allclose(found, wanted[0].numpy(), atol=1e-5, rtol=1e-3)


def test_gradients_add_up_to_the_change_of_the_logit(model):
    with torch.no_grad():
        logits = [
            float(model(torch.from_numpy(x)[None], True)["logits"][0, 0])
            for x in (SIGNAL, 0 * SIGNAL)
        ]
    added = integrated_gradients(model, SIGNAL, 0, n_steps=64).sum()
    assert added == pytest.approx(logits[0] - logits[1], abs=0.05)


def test_randomised_weights_are_new_and_the_model_is_as_it_was(model):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    other = randomised(model)
    again = randomised(model)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name])
    assert not torch.equal(other.fc.weight, model.fc.weight)
    assert not torch.equal(other.conv1.weight, model.conv1.weight)
    torch.testing.assert_close(other.fc.weight, again.fc.weight)
    torch.testing.assert_close(other.bn1.running_mean, model.bn1.running_mean)
