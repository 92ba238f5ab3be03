"""
The ids of the posts that were stored last in a capture's folder, from the ends of its newest files.

Knows from the ledger which files these are.  Only reads, so that it may run in a thread.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path

from tcclient.ledger.bookings import File, JobFolder
from tcclient.ledger.lines import AnyLine, LedgerLine
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
    Return the ids of all posts in the `growing` file, if there is one, and in the job's finished
    ones that were made within `seconds` before the newest one, and of some that are older, in the
    order in which they were stored.  The `ledgers` of the folders that the job has had lately tell
    of those, its present one first.  Of more than `most_bytes` of posts only the newest are read.
    What cannot be read, such as a file that was removed, is passed over.
    """
    found: list[str] = []
    newest, strays = 0.0, 0
    # The growing file first: if it is finished meanwhile, the ledger has it when that is read.
    finished = chain.from_iterable(_files(ledger, job_id) for ledger in ledgers)
    files = chain(() if growing is None else (growing,), finished)
    for identity in _newest_first(files, ids, most_bytes):
        found.append(identity)
        made = ids.made_at(identity) or 0.0
        newest = max(newest, made)
        strays = strays + 1 if made < newest - seconds else 0
        if strays == STRAYS:
            break
    return found[::-1]


def folders_since(
    since: float,
    index: Iterable[AnyLine],
    job_id: int,
    is_here: Callable[[str], bool],
) -> Iterable[str]:
    """
    Return the names of the folders that a job has had since then (epoch seconds), the newest first.
    `index` is the ledger that knows them, read backwards; `is_here` tells whether an address is
    that of the job's server.
    """
    names: list[str] = []
    for one in index:
        match one:
            case LedgerLine(entry=JobFolder(server, name), job=job) if job == job_id:
                names += [name] if is_here(server) else []
                found = True
            case LedgerLine():
                found = not names  # else the folder that the job had until then is further back
            case _:
                continue
        if found and one.at < since:
            break
    return dict.fromkeys(names)


def _newest_first(files: Iterable[Path], ids: PostIds, most_bytes: int) -> Iterator[str]:
    """Yield the ids of stored posts, from the last one backwards."""
    for path in files:
        for post in _lines(path):
            most_bytes -= len(post)
            if most_bytes < 0:
                return
            identity = id_or_none(ids, post)
            if identity is not None:
                yield identity


def _files(ledger: Path, job_id: int) -> Iterator[Path]:
    """Yield the job's finished files, the newest first: the folder may have been another's."""
    for one in islice(newest_first(ledger), _LOOK_BACK):
        match one:
            case LedgerLine(entry=File(name=name), job=job) if job in (None, job_id):
                with suppress(ValueError):  # the name leads out of the folder
                    yield ledger.with_name(name)


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, from the last one backwards; none if it cannot be read."""
    with suppress(OSError), path.open("rb") as file:
        yield from lines_backwards(file.fileno())
