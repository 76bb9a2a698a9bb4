"""Optional libraries, imported where they are used and named when they are absent."""

import importlib
from types import ModuleType

from neurorun.core.errors import MissingExtraError


def require(module: str, *, extra: str) -> ModuleType:
    """Import a module of an optional dependency.

    Parameters
    ----------
    module : dotted name
    extra : the extra of neurorun that installs it

    Raises
    ------
    MissingExtraError : it is not installed; the message holds the command that installs it

    Examples
    --------
    >>> require("json", extra="train").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise MissingExtraError(
            f"This needs '{error.name}', which is not installed. Install it with: "
            f'pip install "neurorun[{extra}]"'
        ) from error
