"""The section ``training`` of a configuration."""

from typing import Literal

from pydantic import Field, model_validator

from neurorun.core import Config, ConfigError
from neurorun.training.early_stopping import EarlyStoppingConfig
from neurorun.training.losses import LossName, PositiveWeight
from neurorun.training.optimizer import OptimizerName
from neurorun.training.schedule import SchedulerConfig


class TrainingConfig(Config):
    """How a model is trained."""

    epochs: int = Field(default=60, ge=1)
    """Passes over the training examples, unless training stops early."""
    learning_rate: float = Field(default=3e-4, gt=0, le=10)
    """Full learning rate; the schedule multiplies it."""
    weight_decay: float = Field(default=0.05, ge=0, le=1)
    """Decay of kernels and matrices; biases and normalization are not decayed."""
    optimizer: OptimizerName = "adamw"
    """AdamW, Adam, or SGD with Nesterov momentum 0.9."""
    scheduler: SchedulerConfig = SchedulerConfig()
    """Learning rate from step to step."""
    gradient_clip: float = Field(default=1.0, ge=0)
    """Longest gradient, as 2-norm over all parameters; 0 does not clip."""
    gradient_accumulation_steps: int = Field(default=1, ge=1)
    """Batches whose gradients are averaged for one optimizer step."""
    loss: LossName = "bce"
    """Cross-entropy or focal loss over samples, for tasks with one logit per sample."""
    focal_alpha: float = Field(default=0.5, gt=0, lt=1)
    """Share of the positive samples in the focal loss."""
    focal_gamma: float = Field(default=2.0, ge=0, le=10)
    """How strongly the focal loss leaves out what is already right."""
    positive_weight: PositiveWeight = "none"
    """Weight of positive samples: none, from each batch, from all examples, or its root."""
    early_stopping: EarlyStoppingConfig = EarlyStoppingConfig()
    """Which epoch is best, and when to end."""
    mixed_precision: bool = True
    """Compute in 16 bits where that is safe. On CUDA only; elsewhere 32 bits are used."""
    precision: Literal["bf16", "fp16"] = "bf16"
    """The 16-bit format of mixed precision; fp16 scales the loss, for GPUs without bf16."""
    ema_decay: float | None = Field(default=None, gt=0, lt=1)
    """Validate and keep a moving average of the weights with this decay; null does without."""
    max_bad_steps: int = Field(default=20, ge=1)
    """Steps in a row with a loss or gradient that is not finite, after which training stops."""
    checkpoint_minutes: float = Field(default=10.0, ge=0)
    """Longest time between two ``last.pt``; 0 writes one after every step."""
    checkpoint_interval: int = Field(default=0, ge=0)
    """Keep a checkpoint of every so many epochs; 0 keeps only the best and the last."""
    devices: int | Literal["auto"] = Field(default=1)
    """Processes on this machine, one per GPU; ``auto`` takes all GPUs."""
    num_nodes: int = Field(default=1, ge=1)
    """Machines that train together."""
    strategy: Literal["auto", "ddp", "fsdp"] = "auto"
    """Copies of the model (ddp) or shares of it (fsdp) per process; ``auto`` is ddp for several."""
    compile: bool = False
    """Compile the model with ``torch.compile``, once per length of windows: slower start, faster
    steps."""

    @model_validator(mode="after")
    def _positives_are_weighted_once(self) -> "TrainingConfig":
        if self.loss == "focal" and self.focal_alpha != 0.5 and self.positive_weight != "none":
            raise ConfigError(
                f"training.focal_alpha is {self.focal_alpha:g} and training.positive_weight is "
                f"'{self.positive_weight}': both weigh the positive samples. Leave one of them at "
                "its default (0.5, none)."
            )
        return self

    @model_validator(mode="after")
    def _devices_are_counted(self) -> "TrainingConfig":
        if self.devices != "auto" and self.devices < 1:
            raise ConfigError(
                f"training.devices is {self.devices}; give a number from 1 on, or 'auto'."
            )
        return self

    @model_validator(mode="after")
    def _average_needs_whole_weights(self) -> "TrainingConfig":
        if self.ema_decay is not None and self.strategy == "fsdp":
            raise ConfigError(
                f"training.ema_decay is {self.ema_decay:g} with strategy 'fsdp'; averaging needs "
                "whole weights in every process. Use 'ddp', or set ema_decay to null."
            )
        return self
