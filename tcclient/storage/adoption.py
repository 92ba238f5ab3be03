"""
Reads the data files that stood in a folder before its ledger began, and has them booked as found.

Knows from the ledger which of them are still to be read; does not write the ledger itself.
"""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from twisted.logger import Logger

from tcclient.ledger.bookings import Adopted, Adopting, CaptureOpen, File, LedgerBegin, Torn
from tcclient.ledger.entries import Entry
from tcclient.ledger.fold import told_counters
from tcclient.ledger.ledgerfile import Ledger
from tcclient.ledger.lines import LedgerLine, line
from tcclient.ledger.reading import lines_of, newest_first, raw_newest_first
from tcclient.ledger.segments import begin_of, files
from tcclient.ledger.vocabulary import COMMON
from tcclient.runtime.failures import explain_os
from tcclient.storage.contents import contents
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.slots import Naming

log = Logger()


def adopting(naming: Naming, ledger: Ledger) -> Adopting | None:
    """
    Return the line that lists, by name, the data files beside a ledger that none of its lines has;
    None if there are none.
    """
    booked = {path.name for path in files(ledger.path)}
    for one in newest_first(ledger.path, b'"name"'):
        match one:
            case LedgerLine(entry=File(name=name) | Adopted(name=name) | Torn(name=name)):
                booked.add(name)
    with os.scandir(ledger.path.parent) as listing:
        names = sorted(
            one.name
            for one in listing
            if naming.is_final(one.name) and one.name not in booked and one.is_file()
        )
    return Adopting(names=tuple(names)) if names else None


def lacks_files(ledger: Path) -> bool:
    """
    Return whether data files may be there that no line has: no line has counters yet, or none has
    since the ledger follows another one, whose lines it lacks.
    """
    for raw in raw_newest_first(ledger, b'"account"', b'"follows"'):
        match line(-1, raw, COMMON):
            case LedgerLine(entry=LedgerBegin(follows=str())):
                return True
            case LedgerLine(entry=entry) if told_counters(entry) is not None:
                return False
    return True


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
