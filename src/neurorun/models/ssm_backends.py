"""Whose Mamba-2 runs: our own, or the CUDA kernels of `mamba-ssm` where they are asked for by name.

Neither is ever put in the place of the other. Weights are the same for both.
"""

import importlib
from typing import Any

from torch import Tensor, nn

from neurorun.core import ConfigError, MissingExtraError
from neurorun.models.detector_config import MambaConfig, SsmBackend
from neurorun.models.mamba2 import Mamba2


def build_ssm(config: MambaConfig, backend: SsmBackend) -> nn.Module:
    """Make one Mamba-2 layer.

    Raises
    ------
    MissingExtraError : ``mamba_ssm`` is asked for and not installed
    ConfigError : when it runs, ``mamba_ssm`` is given a tensor that is not on a CUDA device
    """
    if backend == "torch":
        return Mamba2(
            config.d_model,
            d_state=config.d_state,
            conv_kernel=config.conv_kernel,
            expand=config.expand,
            head_dim=config.head_dim,
            chunk=config.chunk_size,
        )
    layer: nn.Module = _mamba_ssm().Mamba2(
        d_model=config.d_model,
        d_state=config.d_state,
        d_conv=config.conv_kernel,
        expand=config.expand,
        headdim=config.head_dim,
        chunk_size=config.chunk_size,
    )
    layer.register_forward_pre_hook(_refuse_other_devices)
    return layer


def _mamba_ssm() -> Any:
    try:
        return importlib.import_module("mamba_ssm")
    except ModuleNotFoundError as error:
        if error.name != "mamba_ssm":
            raise
        raise MissingExtraError(
            "model.ssm_backend is 'mamba_ssm', but mamba-ssm is not installed. Install it on a "
            "machine with nvcc (pip install --no-build-isolation mamba-ssm), or choose "
            "ssm_backend 'torch', which computes the same."
        ) from error


def _refuse_other_devices(layer: nn.Module, args: tuple[Tensor, ...]) -> None:  # noqa: ARG001
    if args[0].device.type != "cuda":
        raise ConfigError(
            f"model.ssm_backend is 'mamba_ssm', but the signal is on '{args[0].device}'; its "
            "kernels need a CUDA device. Move the model there, or choose ssm_backend 'torch'."
        )
