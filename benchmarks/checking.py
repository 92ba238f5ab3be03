"""Whether a consumer's files hold every post exactly once."""

from collections.abc import Collection, Iterable
from pathlib import Path

import attrs

from benchmarks.posts import number_of


@attrs.frozen
class Found:
    """
    What is wrong with the files.  `surplus` are second copies and posts of other captures, `torn`
    lines that are no whole post of ours.
    """

    missing: int = 0
    surplus: int = 0
    torn: int = 0

    def __str__(self) -> str:
        wrong = [f"{n} {name}" for name, n in attrs.asdict(self).items() if n]
        return ", ".join(wrong) or "whole"

    def __add__(self, other: "Found") -> "Found":
        return Found(
            self.missing + other.missing, self.surplus + other.surplus, self.torn + other.torn
        )


def check(files: Iterable[Path], expected: Collection[int]) -> Found:
    """Compare the files of one capture with the numbers of its posts."""
    numbers: list[int] = []
    torn = 0
    for path in files:
        with path.open("rb") as lines:
            for line in filter(bytes.strip, lines):
                try:
                    numbers.append(_number_in(line))
                except ValueError:
                    torn += 1
    found = set(numbers)
    missing = sum(1 for number in expected if number not in found)
    return Found(missing, len(numbers) - (len(expected) - missing), torn)


def _number_in(line: bytes) -> int:
    """Raises ValueError for a line that is not whole."""
    if not line.endswith((b"}\n", b"}\r\n")):
        raise ValueError("it has no end")
    return number_of(line)
