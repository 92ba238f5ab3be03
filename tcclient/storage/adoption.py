"""
Reads the data files that stood in a folder before its ledger began, and has them booked as found.

Knows from the ledger which of them are still to be read; does not write the ledger itself.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from twisted.logger import Logger

from tcclient.ledger.bookings import Adopted, Adopting, CaptureOpen
from tcclient.ledger.entries import Entry
from tcclient.ledger.ledgerfile import Ledger
from tcclient.ledger.lines import LedgerLine, lines
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
    booked: set[object] = {line.get("name") for line in ledger.newest_first()}
    booked.add(ledger.path.name)
    names = sorted(
        path.name
        for path in ledger.path.parent.iterdir()
        if naming.is_final(path.name) and path.is_file() and path.name not in booked
    )
    return Adopting(names=tuple(names)) if names else None


def left_to_adopt(ledger: Path) -> list[str]:
    """
    Return the names that `adopting` lines list and no `adopted` line has.  A ledger is read no
    further than to its first `capture_open`, before which `adopting` stands, if no name is left by
    then.  Raises OSError.
    """
    names: dict[str, None] = {}
    for line in lines(ledger, COMMON):
        match line:
            case LedgerLine(entry=Adopting(names=found)):
                names |= dict.fromkeys(found)
            case LedgerLine(entry=Adopted(name=name)):
                names.pop(name, None)
            case LedgerLine(entry=CaptureOpen()) if not names:
                break
    return list(names)


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
