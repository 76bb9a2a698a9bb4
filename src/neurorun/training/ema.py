"""An exponential moving average of the weights, which is what is validated and kept as best."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Moving average of the parameters of a model; buffers are the model's own.

    Parameters
    ----------
    model : its parameters, as they are now, are the first average
    decay : 0 to 1; after ``n`` updates ``min(decay, (1 + n) / (10 + n))`` is used, so that the
        average forgets the initial weights quickly
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._parameters = dict(model.named_parameters())
        self._decay = decay
        self._n_updates = 0
        self._average = {name: p.detach().clone() for name, p in self._parameters.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the weights; call it after every optimizer step."""
        self._n_updates += 1
        decay = min(self._decay, (1 + self._n_updates) / (10 + self._n_updates))
        for name, parameter in self._parameters.items():
            self._average[name].lerp_(parameter, 1 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Give the model the averaged weights inside the block, and its own back after it."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for name, parameter in self._parameters.items():
            own = parameter.clone()
            parameter.copy_(self._average[name])
            self._average[name].copy_(own)

    @property
    def weights(self) -> dict[str, Tensor]:
        """The average, by the names of the parameters."""
        return self._average

    def state_dict(self) -> dict[str, Tensor | int | dict[str, Tensor]]:
        """Return what `load_state_dict` needs."""
        return {"n_updates": self._n_updates, "average": self._average}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, object]) -> None:
        """Continue from a stored average."""
        n_updates, average = state["n_updates"], state["average"]
        assert isinstance(n_updates, int)
        assert isinstance(average, dict)
        self._n_updates = n_updates
        for name, value in average.items():
            self._average[name].copy_(value)
