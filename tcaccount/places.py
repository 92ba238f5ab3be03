"""
In which file of a ledger a line is, for people who want to look at it.

Reads the files only when it is asked.
"""

from functools import cached_property
from pathlib import Path

from tcclient.ledger.segments import files

_BLOCK = 1 << 20
"""Bytes that are read at once."""


class Places:
    """The places of the lines of the ledger whose lines are appended to the file at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, number: int) -> str:
        """
        Return the number of a line within its file, and the file's name, from the number that the
        line has in the whole ledger.  Raises OSError.
        """
        place, name = self._place(number)
        return f"Line {place} of {name}"

    def is_first(self, number: int) -> bool:
        """Return whether a line, by its number in the whole ledger, is the first of a file."""
        return self._place(number)[0] == 1

    def _place(self, number: int) -> tuple[int, str]:
        """Return the number of a line within its file, and the file's name."""
        for name, lines in self._lines[:-1]:
            if number <= lines:
                return number, name
            number -= lines
        return number, self._lines[-1][0]

    @cached_property
    def _lines(self) -> list[tuple[str, int]]:
        """The name of each file with how many lines it has, the oldest first."""
        return [(file.name, _count(file)) for file in files(self._path)]


def _count(path: Path) -> int:
    """Return how many newlines a file has.  Raises OSError."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))
