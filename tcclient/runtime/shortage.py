"""
How many file descriptors a process may have, and who lacks one, which all of a process share: that
is said once, not by each of hundreds.
"""

import resource
from contextlib import suppress
from weakref import WeakSet

from twisted.logger import Logger

log = Logger()


OUT_OF_DESCRIPTORS = (
    "there are no file descriptors left: raise the limit of open files (`ulimit -n`, LimitNOFILE)"
)
"""Why something fails that needs one, be it a socket or a file."""


class Shortage:
    """Those that lack one, as long as they exist."""

    def __init__(self) -> None:
        self._lacking: WeakSet[object] = WeakSet()

    def is_news(self, who: object, reason: str) -> bool:
        """
        Return whether it is worth a line that `who` cannot do something, for that reason: not where
        somebody else lacks a descriptor already.
        """
        if OUT_OF_DESCRIPTORS not in reason:
            return True
        is_first = not self._lacking
        self._lacking.add(who)
        return is_first

    def ends(self, who: object) -> None:
        """Take note that `who` lacks none any more; log it if that was the last one."""
        if who in self._lacking:
            self._lacking.discard(who)
            if not self._lacking:
                log.warn("There are file descriptors for all captures again.")


def raise_limit() -> None:
    """
    Have as many descriptors as this process may give itself.  The usual limit of 1,024 is that of
    programs that use select(); each capture needs two at least, and four while a file is finished.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # where the system has a lower limit than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
