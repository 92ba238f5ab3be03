"""
The posts that were stored last in a capture's folder, and their ids, from the ends of its newest
files.

Knows from the ledger which files these are.  Only reads, so that it may run in a thread.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path

from tcclient.ledger.bookings import File, NotStored
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.reading import newest_first
from tcclient.runtime.backwards import lines_backwards
from tcclient.storage.postids import PostIds, id_or_none

STRAYS = 100
"""
Posts in a row that have to be too old before the search ends: one that came late says nothing of
those before it.
"""

LATELY = 3600.0
"""
Seconds for which posts of a job's former folder are looked for: those that come again are younger.
"""

_LOOK_BACK = 10_000
"""Lines of the ledger in which files are looked for."""


def stored_lately(
    job_id: int,
    ledgers: Iterable[Path],
    growing: Path | None,
    ids: PostIds,
    seconds: float,
    most_bytes: int,
) -> list[str]:
    """
    Return the ids of all posts in the `growing` file, if there is one, and in those that the job
    had before, that were made within `seconds` before the newest one, and of some that are older,
    in the order in which they were stored.  The `ledgers` of the folders that the job has had
    lately tell of those, its present one first.  Of more than `most_bytes` of posts only the newest
    are read.  What cannot be read, such as a file that was removed, is passed over.
    """
    found: list[str] = []
    newest, strays = 0.0, 0
    for post in _newest_first(job_id, ledgers, growing, most_bytes):
        identity = id_or_none(ids, post)
        if identity is None:
            continue
        found.append(identity)
        made = ids.made_at(identity) or 0.0
        newest = max(newest, made)
        strays = strays + 1 if made < newest - seconds else 0
        if strays == STRAYS:
            break
    return found[::-1]


def newest_posts(
    job_id: int, ledgers: Iterable[Path], growing: Path | None, most: int, most_bytes: int
) -> list[bytes]:
    """
    Return the posts that were stored last, without their newlines, the newest last: at most so
    many, and of more than `most_bytes` only the newest.  The rest is as in stored_lately().
    """
    posts = islice(_newest_first(job_id, ledgers, growing, most_bytes), most)
    return [post.rstrip(b"\n") for post in posts][::-1]


def _newest_first(
    job_id: int, ledgers: Iterable[Path], growing: Path | None, most_bytes: int
) -> Iterator[bytes]:
    """Yield stored posts, from the last one backwards, as long as there are not too many bytes."""
    # The growing file first: if it is finished meanwhile, the ledger has it when that is read.
    finished = chain.from_iterable(_files(ledger, job_id) for ledger in ledgers)
    for path in chain(() if growing is None else (growing,), finished):
        for post in _lines(path):
            most_bytes -= len(post)
            if most_bytes < 0:
                return
            yield post


def _files(ledger: Path, job_id: int) -> Iterator[Path]:
    """
    Yield the job's finished files, and those that somebody has changed or replaced while they were
    written, the newest first: the folder may have been another's.
    """
    for one in islice(newest_first(ledger), _LOOK_BACK):
        match one:
            case LedgerLine(entry=File(name=name) | NotStored(file=str(name)), job=job) if job in (
                None,
                job_id,
            ):
                with suppress(ValueError):  # the name leads out of the folder
                    yield ledger.with_name(name)


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, from the last one backwards; none if it cannot be read."""
    with suppress(OSError):
        if path.is_file():  # a pipe in its place would never be open
            with path.open("rb") as file:
                yield from lines_backwards(file.fileno())
