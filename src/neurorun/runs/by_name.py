"""Folders whose items are named and captioned in a ``manifest.json``, and opened one at a time."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from neurorun.core import RunError
from neurorun.runs.document import write_document

EntryT = TypeVar("EntryT")
T_co = TypeVar("T_co", covariant=True)


class ByName(Generic[T_co]):
    """What a manifest lists, by name; each item is read when it is asked for, and not kept.

    Used like a dictionary that cannot be written, in the order in which the items were written.
    An item that lies in the folder unlisted is none: its writing was interrupted.

    Parameters
    ----------
    folder : for messages
    read : by name, reads one item
    """

    def __init__(self, folder: Path, read: Mapping[str, Callable[[], T_co]]) -> None:
        self._folder = folder
        self._read = read

    def __getitem__(self, name: str) -> T_co:
        """Read one item.

        Raises
        ------
        RunError : there is none of this name
        """
        if name not in self._read:
            known = ", ".join(f"'{one}'" for one in self._read) or "nothing"
            raise RunError(f"'{self._folder}' lists no '{name}'; it lists {known}. Ask for those.")
        return self._read[name]()

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._read)

    def __len__(self) -> int:
        """Count the items."""
        return len(self._read)

    def __contains__(self, name: object) -> bool:
        """Whether an item of this name is listed."""
        return name in self._read

    def keys(self) -> list[str]:
        """The names."""
        return list(self._read)

    def values(self) -> Iterator[T_co]:
        """Read one after the other."""
        return (self[name] for name in self)

    def items(self) -> Iterator[tuple[str, T_co]]:
        """Read one after the other, with their names."""
        return ((name, self[name]) for name in self)


def write_listed(
    manifest: Path,
    listed: Mapping[str, EntryT],
    name: str,
    *,
    write: Callable[[], EntryT],
) -> None:
    """Write an item, then list it; while it is replaced, it is not listed.

    So a crash at any moment leaves every listed item whole and with its own caption.

    Parameters
    ----------
    listed : entries of the manifest so far
    write : writes the item and returns its entry
    """
    others = {key: entry for key, entry in listed.items() if key != name}
    if name in listed:
        write_document(manifest, others)
    entry = write()
    write_document(manifest, {**others, name: entry})


def required_caption(caption: str, *, of: str) -> str:
    """Return a caption that says something.

    Raises
    ------
    RunError : it is empty
    """
    if not caption.strip():
        raise RunError(f"{of} has no caption; one sentence that says what it shows is needed.")
    return caption
