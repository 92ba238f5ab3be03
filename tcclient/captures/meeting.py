"""
The meeting of client and server: before anything is captured it must be known which server it is.

Knows when capturing begins, and what the log is told; what makes a server the same one is known to
the folders.
"""

from collections.abc import Callable

from twisted.logger import Logger

from tcclient.control.client import JobList
from tcclient.runtime.failures import explain_os
from tcclient.storage.claim import Claim, RunsTwice
from tcclient.storage.folders import Folders
from tcclient.storage.installation import Identity

log = Logger()


class ServerMeeting:
    """Looks at each list of jobs, and calls `begin` once it is known whose list that is."""

    def __init__(self, folders: Folders, begin: Callable[[Identity], None]) -> None:
        self._folders = folders
        self._claim = Claim(folders.base_dir)
        self._begin = begin
        self._has_begun = False
        self._said = ""

    def is_known(self, listing: JobList) -> bool:
        """Return whether it is known which server lists these jobs: they can be captured then."""
        folder = self._folders.base_dir
        try:
            identity = self._folders.meet(listing)
            if identity is not None:
                self._claim.take(identity.server)
        except RunsTwice:
            self._say(f"This client runs already, as another process, below {folder}")
            return self._has_begun
        except OSError as e:
            self._say(f"Cannot keep in {folder} which server this is: {explain_os(e)}")
            return self._has_begun
        self._said = ""
        if identity is not None and not self._has_begun:
            self._has_begun = True
            self._begin(identity)
        return self._has_begun

    def _say(self, why: str) -> None:
        """Log why nothing can begin, a clause, if that is news."""
        if why != self._said:
            log.error("{why}. Nothing new is captured meanwhile.", why=why)
        self._said = why
