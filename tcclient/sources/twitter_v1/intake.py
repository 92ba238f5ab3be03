"""
What becomes of each message of v1.1: posts go to the disk, everything else into the ledger.

Knows the kinds of messages and what they announce; opens and closes nothing.
"""

from collections.abc import Callable, Mapping

from tcclient.ledger.endings import Ending
from tcclient.ledger.entries import Disconnect, Said, Unknown
from tcclient.sources.again import Again
from tcclient.sources.complaints import Complaints
from tcclient.sources.twitter_v1 import entries
from tcclient.sources.twitter_v1.api import DUPLICATE, disconnect_meaning
from tcclient.sources.twitter_v1.limits import Undelivered
from tcclient.sources.twitter_v1.messages import Kind, kind_of
from tcclient.sources.twitter_v1.postids import tweet_id
from tcclient.storage.archive import Archive
from tcclient.stream.framing import Overlong, apart, decoded, excerpt

_SAID: Mapping[Kind, type[Said]] = {
    Kind.DELETE: entries.Delete,
    Kind.SCRUB_GEO: entries.ScrubGeo,
    Kind.STATUS_WITHHELD: entries.StatusWithheld,
    Kind.USER_WITHHELD: entries.UserWithheld,
    Kind.DISCONNECT: Disconnect,
    Kind.WARNING: entries.StallWarning,
    Kind.EVENT: entries.AccountEvent,
    Kind.UNKNOWN: Unknown,
}


class Intake:
    """
    Takes the messages of one stream.  Calls `end` with the reason when a message means that the
    connection is over; `undelivered` is the capture's estimate of posts that were not delivered,
    and `again` knows which of its posts come again.
    """

    def __init__(
        self, end: Callable[[Ending], None], undelivered: Undelivered, again: Again
    ) -> None:
        self._end = end
        self._again = again
        self._complaints = Complaints()
        self._undelivered = undelivered
        self._notices = undelivered.connection()

    def opened(self) -> None:
        """Begin anew with a connection: Twitter counts from 0, and complaints may come again."""
        self._complaints.opened()
        self._notices = self._undelivered.connection()

    def take(self, archive: Archive, messages: list[bytes | Overlong]) -> None:
        """
        Store the posts that have not come before; note everything else in the ledger, and act on
        what it announces.
        """
        posts: list[bytes] = []
        post = Kind.POST
        for message in messages:
            if isinstance(message, Overlong):
                self._complaints.refuse(archive, "too long", message.size, message.head)
            elif (kind := kind_of(message)) is post:
                posts.append(message)
            elif kind is Kind.NOT_JSON and (parts := apart(message)):
                self._store(archive, posts)
                posts = []
                self.take(archive, [*parts])
            else:
                self._heed(archive, kind, message)
        self._store(archive, posts)

    def _store(self, archive: Archive, posts: list[bytes]) -> None:
        """Store those of the posts that have not come before."""
        if posts and self._again.watches():
            posts = [post for post in posts if self._again.is_wanted(tweet_id(post))]
        if posts:
            archive.store(posts)

    def _heed(self, archive: Archive, kind: Kind, line: bytes) -> None:
        if kind is Kind.NOT_JSON:
            self._complaints.refuse(archive, "not JSON", len(line), line)
        elif kind is Kind.CONNECTION_LIMIT:
            archive.note(entries.ConnectionLimit(text=excerpt(line)))
            self._end(Ending("duplicate", "too many streams use these credentials", DUPLICATE))
        elif kind is Kind.LIMIT:
            message = decoded(line)
            undelivered = self._notices.take(message)
            archive.note(entries.LimitNotice(message=message, undelivered=undelivered))
        else:
            self._note(archive, kind, line)

    def _note(self, archive: Archive, kind: Kind, line: bytes) -> None:
        """Note a message in the ledger as it came, and act on what it announces."""
        message = decoded(line)
        archive.note(_SAID[kind](message=message))
        if kind is Kind.DISCONNECT:
            self._end(_farewell(message))
        elif kind is Kind.WARNING:
            text = excerpt(line).replace("\\/", "/")
            self._complaints.say_once(archive.name, "warning", f"Twitter warns: {text}")


def _farewell(message: object) -> Ending:
    """Return why the connection ends, according to a disconnect message."""
    said = message.get("disconnect") if isinstance(message, dict) else None
    code = said.get("code") if isinstance(said, dict) else None
    meaning, trouble = disconnect_meaning(code if type(code) is int else None)
    return Ending("disconnect", f"Twitter disconnected: {meaning}", trouble)
