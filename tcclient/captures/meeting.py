"""
The meeting of client and server: before anything is captured it must be known which server it is.

Knows when capturing begins, and what the log is told; what makes a server the same one is known to
the folders.
"""

from collections.abc import Callable

from twisted.logger import Logger

from tcclient.control.client import JobList
from tcclient.runtime.failures import explain_os
from tcclient.storage.folders import Folders
from tcclient.storage.installation import Identity

log = Logger()


class ServerMeeting:
    """Looks at each list of jobs, and calls `begin` once it is known whose list that is."""

    def __init__(self, folders: Folders, begin: Callable[[Identity], None]) -> None:
        self._folders = folders
        self._begin = begin
        self._has_begun = False
        self._unwritten = ""

    def is_known(self, listing: JobList) -> bool:
        """Return whether it is known which server lists these jobs: they can be captured then."""
        try:
            identity = self._folders.meet(listing)
        except OSError as e:
            self._say_unwritten(explain_os(e))
            return self._has_begun
        self._say_unwritten("")
        if identity is not None and not self._has_begun:
            self._has_begun = True
            self._begin(identity)
        return self._has_begun

    def _say_unwritten(self, reason: str) -> None:
        """Log why it cannot be kept which server this is, once; empty if it can."""
        if reason and reason != self._unwritten:
            log.error(
                "Cannot keep in {folder} which server this is: {reason}. Nothing new is captured "
                "meanwhile.",
                folder=str(self._folders.base_dir),
                reason=reason,
            )
        self._unwritten = reason
