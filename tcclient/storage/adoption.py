"""
Reads the data files that stood in a folder before its ledger began, and has them booked as found.

Knows from the ledger which of them are still to be read; does not write the ledger itself.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from twisted.logger import Logger

from tcclient.ledger.bookings import Adopted, Adopting, CaptureOpen, File, Torn
from tcclient.ledger.entries import Entry
from tcclient.ledger.fold import told_counters
from tcclient.ledger.ledgerfile import Ledger
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.reading import lines_of, newest_first
from tcclient.ledger.segments import begin_of, files
from tcclient.ledger.vocabulary import COMMON
from tcclient.runtime.failures import explain_os
from tcclient.storage.contents import contents
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.finalname import is_reservation, same_file
from tcclient.storage.recovery import left_behind, taken_names
from tcclient.storage.slots import Naming

log = Logger()


MOST_NAMES = 1000
"""Names in one line: nobody who reads it needs more memory than for other lines."""


def lacking(naming: Naming, ledger: Path) -> list[Adopting | Torn]:
    """
    Return the lines that account for what is beside a ledger and in none of its lines: data files,
    which are listed by name, and cut ends of posts.  May be called while a capture finishes files.
    Raises OSError.
    """
    with os.scandir(ledger.parent) as listing:
        here = [one for one in listing if one.is_file()]
        found = {one.name for one in here if naming.is_final(one.name)}
        torn = {one.name: one.stat().st_size for one in here if naming.is_torn(one.name)}
    # Lines are read last: a file that has lost its temporary name since is in one of them.
    found.difference_update(_being_finished(naming, ledger.parent))
    found -= {path.name for path in files(ledger)}
    for one in newest_first(ledger, b'"name"'):
        match one:
            case LedgerLine(entry=File(name=name) | Adopted(name=name)):
                found.discard(name)
            case LedgerLine(entry=Torn(name=name)):
                torn.pop(name, None)
    names = sorted(found)
    beginnings = range(0, len(names), MOST_NAMES)
    older = [Adopting(names=tuple(names[first : first + MOST_NAMES])) for first in beginnings]
    return [*older, *(Torn(name=name, bytes=size) for name, size in sorted(torn.items()))]


def listed(lines: Iterable[Adopting | Torn]) -> list[str]:
    """Return the names of the files that lines list as still to be read."""
    return [name for one in lines if isinstance(one, Adopting) for name in one.names]


def _being_finished(naming: Naming, folder: Path) -> Iterator[str]:
    """Yield the final names in a folder that files have taken, and may not be booked by yet."""
    for tmp in left_behind(folder, naming):
        for path in taken_names(tmp, naming):
            with suppress(FileNotFoundError):
                if same_file(path, tmp) or is_reservation(path):
                    yield path.name


def list_older_files(naming: Naming, ledger: Ledger, *, is_another: bool) -> None:
    """
    Note which data files are older than a ledger, or in lines that it lacks, as one that
    `is_another` than the last capture had, or has no counters yet.  This comes before its
    first line with counters, so that a file that appears later is not taken for one.  Raises
    OSError.
    """
    if is_another or not _has_counters(ledger.path):
        for line in lacking(naming, ledger.path):
            ledger.write(line)


def _has_counters(ledger: Path) -> bool:
    """Return whether a line has counters; then no data file is older than all of them."""
    lines = newest_first(ledger, b'"account"')
    return any(isinstance(one, LedgerLine) and told_counters(one.entry) for one in lines)


def left_to_adopt(ledger: Path) -> list[str]:
    """
    Return the names that `adopting` lines list and no `adopted` line has.  If no name is left, a
    file is read no further than to its first `capture_open`, before which `adopting` stands, and
    one that only goes on not at all.  Raises OSError.
    """
    names: dict[str, None] = {}
    for file in files(ledger):
        if not names and _goes_on(file):
            continue
        for one in lines_of(file, COMMON):
            match one:
                case LedgerLine(entry=Adopting(names=found)):
                    names |= dict.fromkeys(found)
                case LedgerLine(entry=Adopted(name=name)):
                    names.pop(name, None)
                case LedgerLine(entry=CaptureOpen()) if not names:
                    break
    return list(names)


def _goes_on(file: Path) -> bool:
    """Return whether a file has the lines behind those of another one, and no ledger begins."""
    begin = begin_of(file)
    return begin is not None and begin.line.before is not None and begin.line.follows is None


class Adoption:
    """
    Reads older files of one folder, by the threads of `use`, as it may take long.  `note` writes a
    line into the ledger.
    """

    def __init__(
        self, folder: Path, ledger: Path, use: DiskUse, note: Callable[[Entry], None]
    ) -> None:
        self._folder = folder
        self._ledger = ledger
        self._threads = use.threads
        self._ids = use.ids
        self._note = note
        self._stopped = False

    async def go_on(self) -> None:
        """Read the files that the ledger lists, and does not have as read yet."""
        await self.run(await self._threads(partial(left_to_adopt, self._ledger)))

    async def run(self, names: Sequence[str]) -> None:
        """
        Read the files with these names, one after the other, and note what is in each.  A file that
        cannot be read is logged and passed over.
        """
        for name in names:
            try:
                found = await self._threads(partial(contents, self._folder / name, self._ids))
            except OSError as e:
                log.warn("{name} cannot be read: {reason}.", name=name, reason=explain_os(e))
                continue
            if self._stopped:
                return
            self._note(
                Adopted(name=name, posts=found.posts, bytes=found.bytes, sha256=found.sha256)
            )
        if names:
            log.info(
                "{n} older files of {folder} are in the account.",
                n=len(names),
                folder=str(self._folder),
            )

    def stop(self) -> None:
        """Note nothing more; the next process goes on with the rest."""
        self._stopped = True
