"""Make ``mamba2_transformers.npz``: what the Mamba-2 of `transformers` gives for stored weights.

Made with transformers 5.23.0 and torch 2.13.0 on a CPU, float32. Run it where transformers is
installed: ``python tests/models/data/make_mamba2_oracle.py``.
"""

from pathlib import Path

import numpy as np
import torch


def main():
    from transformers import Mamba2Config
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    torch.manual_seed(20)
    config = Mamba2Config(
        hidden_size=16,
        expand=2,
        head_dim=8,
        num_heads=4,
        state_size=8,
        conv_kernel=4,
        n_groups=1,
        chunk_size=16,
    )
    mixer = Mamba2Mixer(config, layer_idx=0).eval()
    with torch.no_grad():
        mixer.A_log.copy_(torch.empty(4).uniform_(1, 16).log())
        mixer.D.copy_(torch.randn(4))
        mixer.dt_bias.copy_(torch.randn(4) - 2)
        mixer.norm.weight.copy_(1 + 0.1 * torch.randn(32))
        mixer.conv1d.weight.copy_(torch.randn(48, 1, 4) / 2)
        mixer.conv1d.bias.copy_(torch.randn(48) / 4)
        mixer.in_proj.weight.copy_(torch.randn(mixer.in_proj.weight.shape) / 4)
        mixer.out_proj.weight.copy_(torch.randn(16, 32) / 6)
        u = torch.randn(2, 75, 16)
        y = mixer(u)
    weights = {name: tensor.numpy() for name, tensor in mixer.state_dict().items()}
    np.savez(
        Path(__file__).with_name("mamba2_transformers.npz"), u=u.numpy(), y=y.numpy(), **weights
    )


if __name__ == "__main__":
    main()
