"""Settings of NeuroGATE with a gaze-guided attention map: the YAML section `model`."""

from typing import Literal

from neurorun.core import Config

AttentionHead = Literal["outer", "per_channel"]
GateMode = Literal["original", "always", "normalized"]


class NeuroGateConfig(Config):
    """Which attention map the network makes, and what the map does to its decision."""

    attention_head: AttentionHead = "outer"
    """``outer`` is the original map, one weight per channel times one per instant (rank 1);
    ``per_channel`` gives every channel a time course of its own."""
    gate: GateMode = "original"
    """What the map does to the decision. ``original``: it weighs the features only where the map
    is asked for, so that asking changes the decision. ``always``: it always weighs them.
    ``normalized``: always, divided by its mean over time, so that its size cannot scale the
    features away."""
