"""
Whether posts may come: nothing more is brought while the disk refuses, or too much waits for it.

             crowded
    flowing ---------> crowded
      | ^   <---------    |
      | |    relieved     |
      | |                 | refused
      | +----taken----+   |
      |               |   v
      +---refused---> refused

In `refused` only `taken` has an effect: the disk has taken all that it had refused.  Knows who is
to be told and paused; does not know when the disk is tried again.
"""

from tcclient.storage.bookkeeper import Bookkeeper

MOST_WAITING_FOR_DISK = 4 << 20
"""Bytes that may wait for a busy disk; with more, the posts are paused."""


class Pausing:
    """
    Tells `owner` about the disk, and to pause what brings the posts.  `is_refused`: the disk has
    refused something, and has not taken it since.
    """

    def __init__(self, owner: Bookkeeper) -> None:
        self.is_refused = False
        self._is_paused = False
        self._owner = owner

    def waits(self, size: int) -> None:
        """Pause the posts, or have them brought again, now that so many bytes wait."""
        if (size > MOST_WAITING_FOR_DISK) == self._is_paused or self.is_refused:
            return
        self._is_paused = not self._is_paused
        if self._is_paused:
            self._owner.pauseProducing()
        else:
            self._owner.resumeProducing()

    def refused(self, reason: str) -> None:
        """Say that the disk has refused something, if it is the first time; pause the posts."""
        if self.is_refused:
            return
        was_paused, self.is_refused, self._is_paused = self._is_paused, True, True
        self._owner.troubled(reason)
        if not was_paused:
            self._owner.pauseProducing()

    def taken(self) -> None:
        """Say that the disk has recovered, if it had refused something; let posts come again."""
        if self.is_refused:
            self.is_refused = self._is_paused = False
            self._owner.recovered()
            self._owner.resumeProducing()
