"""
Checks that the files of a ledger are what was written: each says what the one before it was.

Knows the first lines of files; does not know what the others say.
"""

from collections.abc import Iterator
from pathlib import Path

from tcclient.ledger.segments import begin_of, digest, files


def broken_links(ledger: Path) -> Iterator[str]:
    """Yield a sentence for each place where the files do not follow each other.  Raises OSError."""
    before: Path | None = None
    length = 0
    for file in filter(Path.exists, files(ledger)):
        begin = begin_of(file)
        line = None if begin is None else begin.line
        if line is not None and line.before is not None:
            if before is None or before.name != line.before:
                yield f"{line.before}, which came before {file.name}, is not there."
            elif _digest(before) != line.sha256:
                yield f"{before.name} is not what was written: its SHA-256 is another one."
            elif line.follows is None and line.offset != length:
                yield f"{file.name} begins at byte {line.offset}, not at {length}."
        elif before is not None:
            yield f"{file.name} does not say that {before.name} came before it."
        length = (length if line is None else line.offset) + file.stat().st_size
        before = file


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return digest(file.fileno())
