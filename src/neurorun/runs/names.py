"""Names that become folders and files: readable, injective, and unable to leave their folder."""

import re
from datetime import datetime
from urllib.parse import unquote

from neurorun.core import ConfigError, RunError

RUN_NAME = "{timestamp}-{experiment}"
"""The pattern by which run folders are named unless the configuration says otherwise."""

_NEVER_IN_NAMES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
_ESCAPED_IN_FILES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|%]|^\.|[. ]$')
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def run_folder_name(pattern: str, *, experiment: str, started: datetime) -> str:
    """Fill in the pattern of run names.

    Letters of every script are kept; separators, control characters and what some file system
    refuses become ``-``.

    Parameters
    ----------
    pattern : text with ``{timestamp}`` (``YYYYMMDD_HHMMSS``) and ``{experiment}``

    Raises
    ------
    ConfigError : another placeholder, or nothing left to name a folder with

    Examples
    --------
    >>> run_folder_name(RUN_NAME, experiment="a/b", started=datetime(2025, 1, 14, 9, 30, 12))
    '20250114_093012-a-b'
    """
    known = {"timestamp": f"{started:%Y%m%d_%H%M%S}", "experiment": experiment}
    unknown = sorted(set(_PLACEHOLDER.findall(pattern)) - set(known))
    if unknown:
        raise ConfigError(
            f"experiment.run_name is '{pattern}', with the placeholder '{{{unknown[0]}}}'; only "
            "{timestamp} and {experiment} are filled in. Leave the other out."
        )
    filled = _PLACEHOLDER.sub(lambda match: known[match[1]], pattern)
    name = _NEVER_IN_NAMES.sub("-", filled).strip(" .")
    if not name:
        raise ConfigError(
            f"experiment.run_name is '{pattern}' and gives no folder name for the experiment "
            f"'{experiment}'; at least one letter or digit is needed. Use {RUN_NAME}."
        )
    return name


def file_stem(identity: str) -> str:
    """File name, without suffix, of what is known by ``identity``; different for different ones.

    Only characters that no file system should meet are escaped, as in URLs.

    Raises
    ------
    RunError : the identity is empty

    Examples
    --------
    >>> file_stem("aaaaaajy_s001/t000"), identity_of("aaaaaajy_s001%2Ft000")
    ('aaaaaajy_s001%2Ft000', 'aaaaaajy_s001/t000')
    """
    if not identity:
        raise RunError(
            "A recording has an empty recording_id; a name is needed to write its file. "
            "Give every recording its own."
        )
    return _ESCAPED_IN_FILES.sub(lambda match: f"%{ord(match[0]):02X}", identity)


def identity_of(stem: str) -> str:
    """Undo `file_stem`; a stem that `file_stem` cannot have made is its own identity."""
    try:
        return unquote(stem, errors="strict")
    except UnicodeDecodeError:
        return stem
