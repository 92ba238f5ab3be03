"""Whether a consumer's files hold every post exactly once."""

from collections.abc import Collection, Iterable
from pathlib import Path

import attrs

from benchmarks.posts import number_of


@attrs.frozen
class Found:
    """What is wrong with the files; `torn` are lines without the end of a post."""

    missing: int = 0
    twice: int = 0
    torn: int = 0

    def __str__(self) -> str:
        wrong = [f"{n} {name}" for name, n in attrs.asdict(self).items() if n]
        return ", ".join(wrong) or "whole"

    def __add__(self, other: "Found") -> "Found":
        return Found(self.missing + other.missing, self.twice + other.twice, self.torn + other.torn)


def check(files: Iterable[Path], expected: Collection[int]) -> Found:
    """Compare the files of one capture with the numbers of its posts."""
    counts = bytearray(max(expected, default=-1) + 1)
    torn = strange = 0
    for path in files:
        with path.open("rb") as lines:
            for line in lines:
                if not line.strip():
                    continue
                if not line.rstrip(b"\r\n").endswith(b"}") or not line.endswith(b"\n"):
                    torn += 1
                    continue
                try:
                    counts[number_of(line)] += 1
                except (ValueError, IndexError):
                    strange += 1
    missing = sum(1 for number in expected if not counts[number])
    twice = sum(counts) - (len(expected) - missing)
    return Found(missing, twice, torn + strange)
