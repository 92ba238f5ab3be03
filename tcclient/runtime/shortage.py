"""
Who lacks a file descriptor, which all of a process share: that is said once, not by each of
hundreds.
"""

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
