"""From brain recordings to models that are trained, clinically scored, and kept."""

__version__ = "0.1.0"
