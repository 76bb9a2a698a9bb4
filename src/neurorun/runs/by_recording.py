"""Folders with one file per recording, opened one file at a time."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from neurorun.core import RunError
from neurorun.runs.names import file_stem, identity_of

T_co = TypeVar("T_co", covariant=True)


class ByRecording(Generic[T_co]):
    """What a folder holds, by recording_id; each is read when it is asked for, and not kept.

    Used like a dictionary that cannot be written.

    Parameters
    ----------
    folder : may be absent; then the mapping is empty
    suffix : what follows the recording_id in the file names
    read : reads one file
    """

    def __init__(self, folder: Path, suffix: str, read: Callable[[Path], T_co]) -> None:
        self._folder = folder
        self._suffix = suffix
        self._read = read

    def __getitem__(self, recording_id: str) -> T_co:
        """Read the file of one recording.

        Raises
        ------
        RunError : there is none
        """
        path = self.path_of(recording_id)
        if not path.is_file():
            raise RunError(
                f"'{self._folder}' holds nothing for the recording '{recording_id}'; it holds "
                f"{len(self)} others. Iterate over it for their names."
            )
        return self._read(path)

    def path_of(self, recording_id: str) -> Path:
        """Where the file of a recording lies, or would lie."""
        return self._folder / f"{file_stem(recording_id)}{self._suffix}"

    def __iter__(self) -> Iterator[str]:
        """Iterate over the recording_ids, sorted."""
        return iter(sorted(identity_of(name) for name in self._stems()))

    def __len__(self) -> int:
        """Count the recordings."""
        return sum(1 for _ in self._stems())

    def __contains__(self, recording_id: object) -> bool:
        """Whether there is a file of a recording; it is not read."""
        return isinstance(recording_id, str) and self.path_of(recording_id).is_file()

    def keys(self) -> list[str]:
        """The recording_ids, sorted."""
        return list(self)

    def values(self) -> Iterator[T_co]:
        """Read one after the other."""
        return (self[recording_id] for recording_id in self)

    def items(self) -> Iterator[tuple[str, T_co]]:
        """Read one after the other, with their recording_ids."""
        return ((recording_id, self[recording_id]) for recording_id in self)

    def _stems(self) -> Iterator[str]:
        for path in self._folder.glob(f"[!.]*{self._suffix}"):
            yield path.name.removesuffix(self._suffix)
