"""From brain recordings to models that are trained, clinically scored, and kept."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurorun.experiment import detect, evaluate
    from neurorun.front import train

__version__ = "0.1.0"

__all__ = ["__version__", "detect", "evaluate", "train"]


def __getattr__(name: str) -> Any:
    """Load the functions that need PyTorch when they are first asked for."""
    if name == "train":
        from neurorun.front import train

        return train
    if name in ("detect", "evaluate"):
        from neurorun import experiment

        return getattr(experiment, name)
    raise AttributeError(f"module 'neurorun' has no attribute '{name}'")
