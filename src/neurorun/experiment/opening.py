"""The network of a finished run, on a device of this machine.

On which device a run was trained is a property of its training; its network computes on any.
"""

import logging
from collections.abc import Mapping
from typing import Any

from torch import nn

from neurorun.experiment.config import Experiment
from neurorun.training import Device, resolve_device

logger = logging.getLogger(__name__)


def open_network(
    experiment: Experiment, weights: Mapping[str, Any], *, device: Device = "auto"
) -> nn.Module:
    """Make the network of a run with its weights, in evaluation mode, on a device.

    Parameters
    ----------
    weights : of a checkpoint
    device : where to compute; ``auto`` is CUDA where there is any, and the CPU elsewhere. The
        device that the run was trained on does not matter

    Raises
    ------
    ConfigError : this machine does not have the device, or there is no such device
    """
    place = resolve_device(device, name="device")
    logger.info("The network computes on '%s'.", place)
    return experiment.task.open_model(experiment.settings, weights).to(place)
