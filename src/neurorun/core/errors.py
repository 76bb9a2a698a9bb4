"""The tree of errors that a user can cause and mend.

Every message says, in this order: what was found, with its value; what is allowed; what the
reader can do. Only the command line catches `NeurorunError`; anything else is a bug.
"""


class NeurorunError(Exception):
    """A fault in the user's input or surroundings, not in neurorun."""


class ConfigError(NeurorunError, ValueError):
    """A setting is wrong. A ``ValueError``, so that pydantic collects it with its place."""


class DataError(NeurorunError):
    """A recording, cache, manifest or split cannot be used."""


class FormatError(DataError):
    """A file does not follow its format, or follows a version that we do not know."""


class ScoringError(NeurorunError):
    """Events or predictions cannot be scored as asked."""


class RunError(NeurorunError):
    """A run folder cannot be written, read or resumed."""


class TrainingError(NeurorunError):
    """Training cannot start or go on, for example because the loss is not finite."""


class MissingExtraError(NeurorunError, ImportError):
    """An optional library is not installed; the message holds the command that installs it."""
