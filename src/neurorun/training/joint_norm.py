"""Batch normalization over the joint batch of all processes.

Each process sees a share of the batch. Normalized by its share alone, a network computes something
else than one process with the joint batch would, and running statistics differ between processes.
So sums are taken over all of them, forward and backward.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm


def normalize_jointly(model: nn.Module, *, on_gpu: bool) -> None:
    """Make the batch normalization inside a model joint; its parameters and names stay.

    Call it in every process, after they were connected. On GPUs that of PyTorch is used. Classes
    of others that derive from batch normalization stay as they are.
    """
    convert = nn.SyncBatchNorm.convert_sync_batchnorm if on_gpu else JointBatchNorm.like
    joint: dict[nn.Module, nn.Module] = {}
    for path, module in list(model.named_modules(remove_duplicate=False)):
        if type(module) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d):
            parent, _, name = path.rpartition(".")
            if module not in joint:
                joint[module] = convert(module)
            setattr(model.get_submodule(parent), name, joint[module])


class JointBatchNorm(_BatchNorm):
    """`torch.nn.SyncBatchNorm` for processes on CPUs, which that one does not serve.

    Processes may have shares of different sizes. Parameters are those of `torch.nn.BatchNorm1d`,
    and in evaluation it does the same.
    """

    @classmethod
    def like(cls, norm: _BatchNorm) -> "JointBatchNorm":
        """Take the place of another one, with its very parameters and running statistics."""
        joint = cls(
            norm.num_features,
            eps=norm.eps,
            momentum=norm.momentum,
            affine=norm.affine,
            track_running_stats=norm.track_running_stats,
        )
        joint.weight, joint.bias = norm.weight, norm.bias
        joint.running_mean, joint.running_var = norm.running_mean, norm.running_var
        joint.num_batches_tracked = norm.num_batches_tracked
        return joint.train(norm.training)

    def _check_input_dim(self, signal: Tensor) -> None:
        """Leave it to the sums: any number of axes after the channels is right."""

    def forward(
        self, signal: Float[Tensor, "batch channels *samples"]
    ) -> Float[Tensor, "batch channels *samples"]:
        """Normalize every channel over the samples of all processes."""
        if not self.training:
            return super().forward(signal)
        x = signal.to(torch.promote_types(signal.dtype, torch.float32))
        axes = [0, *range(2, x.ndim)]
        as_channels = (-1, *[1] * (x.ndim - 2))
        n_own = x.new_tensor([x.numel() / x.shape[1]])
        sums = _sum_over_processes(torch.cat([x.sum(axes), n_own]))
        n, mean = sums[-1].detach(), sums[:-1] / sums[-1].detach()
        centred = x - mean.view(as_channels)
        variance = _sum_over_processes(centred.square().sum(axes)) / n
        self._follow(mean.detach(), variance.detach() * (n / (n - 1)))
        scale = torch.rsqrt(variance + self.eps)
        if self.affine:
            normalized = torch.addcmul(
                self.bias.view(as_channels), centred, (scale * self.weight).view(as_channels)
            )
        else:
            normalized = centred * scale.view(as_channels)
        return normalized.to(signal.dtype)

    def _follow(
        self, mean: Float[Tensor, " channels"], variance: Float[Tensor, " channels"]
    ) -> None:
        if not self.track_running_stats:
            return
        assert self.num_batches_tracked is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        self.num_batches_tracked += 1
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)


class _SumOverProcesses(torch.autograd.Function):
    """What every process gets depends on all of them, and so does every gradient."""

    @staticmethod
    def forward(_ctx: Any, own: Tensor) -> Tensor:
        joint = own.clone()
        distributed.all_reduce(joint)
        return joint

    @staticmethod
    def backward(_ctx: Any, *gradients: Tensor) -> Tensor:
        joint = gradients[0].clone()
        distributed.all_reduce(joint)
        return joint


def _sum_over_processes(own: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    joint = _SumOverProcesses.apply(own)  # type: ignore[no-untyped-call]
    assert isinstance(joint, Tensor)
    return joint
