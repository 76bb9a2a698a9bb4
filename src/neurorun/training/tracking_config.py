"""What TensorBoard and other tools get to see: sections ``logging`` and below ``experiment``."""

from pydantic import Field

from neurorun.core import Config


class LoggingConfig(Config):
    """The section ``logging``: how much TensorBoard and the other trackers get."""

    log_every_n_steps: int = Field(default=10, ge=1)
    """Optimizer steps between two points of the curves that go step by step."""
    log_gradients: bool = False
    """Histograms of all gradients, every ``log_every_n_steps`` steps."""
    log_weights: bool = False
    """Histograms of all weights, after every epoch."""
    tensorboard_tags: dict[str, str] = Field(default_factory=dict)
    """Curves that TensorBoard shows under a name of yours, too: ``{train_loss: Loss/train}``."""


class WandbConfig(Config):
    """Weights & Biases; ``WANDB_MODE=offline`` in the environment keeps it off the network."""

    enabled: bool = False
    """Send the figures there."""
    project: str = "neurorun"
    """Project that the run belongs to."""
    entity: str | None = None
    """Team or user; null takes the default of the account."""
    tags: tuple[str, ...] = ()
    """Words to find the run by."""


class MlflowConfig(Config):
    """MLflow, a server or a database file."""

    enabled: bool = False
    """Send the figures there."""
    tracking_uri: str | None = None
    """Where to; null takes ``MLFLOW_TRACKING_URI``, or MLflow's own default."""
    experiment: str = "neurorun"
    """MLflow experiment that the run belongs to; made if absent."""
