"""
Checks that the files of a ledger are what was written: each says what the one before it was.

Knows the first lines of files; does not know what the others say.
"""

from collections.abc import Iterator
from pathlib import Path

from tcclient.ledger.bookings import LedgerBegin
from tcclient.ledger.segments import begin_of, digest, files


def broken_links(ledger: Path) -> Iterator[str]:
    """Yield a sentence for each place where the files do not follow each other.  Raises OSError."""
    before: Path | None = None
    known = ""  # the id of the ledger that the file before is of, if that says so
    length = 0
    for file in filter(Path.is_file, files(ledger)):
        begin = begin_of(file)
        line = None if begin is None else begin.line
        if line is not None and line.before is not None:
            if before is None or before.name != line.before:
                is_there = file.with_name(line.before).exists()
                yield (
                    f"{file.name} says that {line.before} came before it, which another file does."
                    if is_there
                    else f"{line.before}, which came before {file.name}, is not there."
                )
            elif _digest(before) != line.sha256:
                yield f"{before.name} is not what was written: its SHA-256 is another one."
            elif line.follows is None and line.offset != length:
                yield f"{file.name} begins at byte {line.offset}, not at {length}."
            if before is not None and before.name == line.before and known:
                yield from _another_id(file.name, line, before.name, known)
        elif before is not None:
            yield f"{file.name} does not say that {before.name} came before it."
        length = (length if line is None else line.offset) + file.stat().st_size
        known = "" if line is None else line.ledger
        before = file
    if before not in (None, ledger):
        yield f"{ledger.name}, the newest file of the ledger, is not there."


def _another_id(file: str, line: LedgerBegin, before: str, known: str) -> Iterator[str]:
    """
    Yield what is wrong with the id in the first line of a file, where that of the file before is
    known.  A ledger that was replaced is not there, and the file before is of the one in its place.
    """
    if line.follows is None:
        if line.ledger != known:
            yield f"{file} has another id than {before}, and does not say that it follows another."
    elif line.ledger == known:
        yield f"{file} says that it follows another ledger, and has the id of {before}."
    elif line.follows != known and line.because != "replaced":
        yield (
            f"{file} says that it follows another ledger than that of {before}: a file between "
            "them is not there, or one was changed."
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return digest(file.fileno())
