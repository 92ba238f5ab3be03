"""
Whether X may have rules of ours, for a process that starts and has no capture that would look.

Knows the lines of the ledger that belongs to no capture; asks nobody.
"""

from itertools import islice

from tcclient.ledger.bookings import JobFolder
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.vocabulary import Vocabulary
from tcclient.sources.twitter_v2.entries import RulesHeld
from tcclient.sources.twitter_v2.rules.ownership import Ownership
from tcclient.storage.folders import Folders

_LOOK_BACK = 10_000
"""Lines in which it is looked for; what is not said in them is not known."""

_KNOWN = Vocabulary.of((JobFolder, RulesHeld))


class HeldRules:
    """Notes it in the ledger of the `folders` when it changes."""

    def __init__(self, folders: Folders, ownership: Ownership) -> None:
        self._folders = folders
        self._ownership = ownership
        self._held: bool | None = None

    def begin(self) -> bool:
        """
        Return whether an earlier process may have left any.  To be called when it is known who we
        are.
        """
        self._held = self._noted()
        return self._held is not False

    def note(self, *, held: bool) -> None:
        """Take note of whether X has rules of ours, or may have in a moment."""
        identity = self._ownership.identity
        if identity is not None and held is not self._held:
            self._held = held
            self._folders.note(RulesHeld(server=identity.server, held=held))

    def _noted(self) -> bool | None:
        """
        Return what is noted; None where that is not known, as where an earlier release had jobs,
        which did not note it.
        """
        identity, had_jobs, lines = self._ownership.identity, False, 0
        for line in islice(self._folders.newest_lines(_KNOWN), _LOOK_BACK):
            lines += 1
            match line:
                case LedgerLine(entry=RulesHeld(server=server, held=held)):
                    if identity is not None and server == identity.server:
                        return held
                case LedgerLine(entry=JobFolder()):
                    had_jobs = True
        return None if had_jobs or lines == _LOOK_BACK else False
