"""
Which captures have yet to be told of posts that may be theirs, for when the client is killed.

Knows the lines about that in the ledger of these posts; stores none of them.
"""

from collections.abc import Mapping

from tcclient.sources.twitter_v2.entries import UnroutedPosts, UnroutedUntold
from tcclient.storage.archive import Archive
from tcclient.storage.folders import UNROUTED, Folders


class Untold:
    """
    Notes, when the first of some posts comes, for which captures they may be, and when these have
    been told.
    """

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._captures: dict[int, str] = {}
        self._told: int | None = None

    def may_be(self, archive: Archive, captures: Mapping[int, str]) -> None:
        """Take note that posts that come now, and are about to be stored, may be of these."""
        if not captures.items() <= self._captures.items():
            self._captures.update(captures)
            told = self._held(archive) if self._told is None else self._told
            self._told = told
            names = {str(job): name for job, name in self._captures.items()}
            archive.note(UnroutedUntold(told=told, captures=names))

    def all_told(self, archive: Archive) -> None:
        """Take note that all captures have been told of all that has come."""
        if self._captures:
            self._captures, self._told = {}, None
            archive.note(UnroutedUntold(told=self._held(archive), captures={}))

    def recall(self, archive: Archive) -> None:
        """
        Tell each capture that was running when an earlier process was killed how many of the posts
        in the folder may be its: so many at most.
        """
        for line in archive.newest_lines():
            if line.get("kind") != "unrouted_untold":
                continue
            told, captures = line.get("told"), line.get("captures")
            if isinstance(told, int) and isinstance(captures, dict):
                posts = self._held(archive) - told
                for job, name in captures.items() if posts > 0 else ():
                    entry = UnroutedPosts(posts=posts, folder=UNROUTED)
                    self._folders.note_in(name, entry, int(job))
                if captures:
                    archive.note(UnroutedUntold(told=self._held(archive), captures={}))
            return

    def _held(self, archive: Archive) -> int:
        """Return how many posts are in the folder, or are about to be."""
        return archive.tally.counters.posts + archive.waiting
