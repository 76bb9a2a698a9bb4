"""DeepSIF: what every instant of EEG says of the cortex, then what its course in time adds.

A filter over the channels treats every sample by itself; recurrent layers follow their outcome and
give one value per region and sample.

References
----------
.. [1] Sun, Sohrabpour, Worrell, He, "Deep neural networks constrained by neural mass models improve
   electrophysiological source imaging of spatiotemporal brain dynamics", PNAS 119(31), 2022.
.. [2] https://github.com/bfinl/DeepSIF, ``network.py``: the names of the weights.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import elu

from neurorun.models.source_config import DeepSIFConfig


class SpatialFilter(nn.Module):
    """Two residual layers and a plain one over the channels, the same for every sample.

    Parameters
    ----------
    n_channels : channels of EEG
    width : values per sample that come out
    """

    def __init__(self, n_channels: int, width: int) -> None:
        super().__init__()
        self.fc11 = nn.Linear(n_channels, n_channels)
        self.fc12 = nn.Linear(n_channels, n_channels)
        self.fc21 = nn.Linear(n_channels, width)
        self.fc22 = nn.Linear(width, width)
        self.fc23 = nn.Linear(n_channels, width)
        self.value = nn.Linear(width, width)

    def forward(
        self, eeg: Float[Tensor, "batch samples channels"]
    ) -> Float[Tensor, "batch samples width"]:
        """Filter every sample."""
        first = elu(self.fc12(elu(self.fc11(eeg))) + eeg)
        second = elu(self.fc22(elu(self.fc21(first))) + self.fc23(first))
        found: Tensor = elu(self.value(second))
        return found


class TemporalFilter(nn.Module):
    """Recurrent layers whose state is the activity of the regions.

    Parameters
    ----------
    width : values per sample that come in
    size : values per sample that come out
    n_layers : layers on top of each other
    """

    def __init__(self, width: int, size: int, n_layers: int) -> None:
        super().__init__()
        self.rnns = nn.ModuleList([nn.LSTM(width, size, num_layers=n_layers, batch_first=True)])

    def forward(
        self, filtered: Float[Tensor, "batch samples width"]
    ) -> Float[Tensor, "batch samples size"]:
        """Follow a signal from its first sample."""
        found: Tensor = self.rnns[0](filtered)[0]
        return found


class DeepSIFNet(nn.Module):
    """The network of DeepSIF: 22,360,976 parameters for 75 channels and 994 regions.

    Its weights are called as in the published program, whose ``state_dict`` it loads.

    Parameters
    ----------
    config : sizes
    n_channels, n_regions : of the leadfield

    Examples
    --------
    >>> import torch
    >>> net = DeepSIFNet(DeepSIFConfig(), n_channels=75, n_regions=994)
    >>> sum(parameter.numel() for parameter in net.parameters())
    22360976
    """

    def __init__(self, config: DeepSIFConfig, *, n_channels: int, n_regions: int) -> None:
        super().__init__()
        size = config.recurrent_size
        self.spatial = SpatialFilter(n_channels, config.spatial_size)
        self.temporal = TemporalFilter(
            config.spatial_size, n_regions if size is None else size, config.recurrent_layers
        )
        self.head = nn.Identity() if size is None else nn.Linear(size, n_regions)

    def forward(
        self, eeg: Float[Tensor, "batch samples channels"]
    ) -> Float[Tensor, "batch samples regions"]:
        """Estimate region activity.

        Without ``recurrent_size`` it lies within (-1, 1), as the state of the recurrent layers
        does.

        Parameters
        ----------
        eeg : any unit; trained on EEG whose largest absolute value is 1
        """
        found: Tensor = self.head(self.temporal(self.spatial(eeg)))
        return found
