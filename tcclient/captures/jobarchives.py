"""
The archives of one job: the present one, and those that are being closed, as it was renamed or is
not wanted any more.

Knows which these are; does not know why.
"""

from collections.abc import Callable

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, gatherResults

from tcclient.storage.archive import Archive


class JobArchives(MultiService):
    """
    The archives of one job.  `archive` is the present one, None where there is none, and
    `is_given_up` says whether one was not finished, as the process ends, and `is_stored` whether
    all posts are in files even so.  `grown` is called when there is more in the ledger of one.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self.archive: Archive | None = None
        self.is_given_up = False
        self.is_stored = True
        self.grown: Callable[[], object] = lambda: None
        self._closing: dict[Archive, Deferred[None]] = {}

    @property
    def is_in_doubt(self) -> bool:
        """Whether nobody knows on what another client's newest update of the job builds."""
        return self.archive is not None and self.archive.tally.in_doubt

    def retire(self) -> None:
        """Have the archive closed, which lets go of the folder when its last file is finished."""
        if self.archive is None:
            return
        archive, self.archive = self.archive, None
        self._closing[archive] = closing = archive.close()
        closing.addCallback(lambda _: self._closed(archive))
        archive.files.disownServiceParent()  # type: ignore[no-untyped-call]

    def all_closed(self) -> Deferred[None]:
        """Fire when all that were retired are closed, or given up."""
        return gatherResults(list(self._closing.values())).addCallback(lambda _: None)

    def leave(self) -> None:
        """Give up before long what the disk does not take: the process ends."""
        for archive in self._all():
            archive.leave()

    def give_up(self) -> None:
        """Note which posts are lost, as the process ends now, whether or not files are finished."""
        for archive in self._all():
            archive.give_up()

    def _all(self) -> list[Archive]:
        return [*(() if self.archive is None else (self.archive,)), *self._closing]

    def _closed(self, archive: Archive) -> None:
        self._closing.pop(archive, None)
        self.is_given_up = self.is_given_up or archive.is_given_up
        self.is_stored = self.is_stored and archive.is_stored
