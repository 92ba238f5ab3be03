"""
What becomes of each message: posts go to the disk, everything else into the account.

Knows the kinds of messages and what they announce; opens and closes nothing.
"""

from collections.abc import Callable

from twisted.logger import Logger

from tcclient.ledger import entries
from tcclient.runtime.backoff import Trouble
from tcclient.sources.twitter_v1.limits import Undelivered
from tcclient.storage.archive import Archive
from tcclient.stream.connection import Ending
from tcclient.stream.messages import Kind, Overlong, decoded, excerpt, kind_of
from tcclient.stream.streamapi import Codes

log = Logger()

_SAID = {
    Kind.DELETE: entries.Delete,
    Kind.SCRUB_GEO: entries.ScrubGeo,
    Kind.STATUS_WITHHELD: entries.StatusWithheld,
    Kind.USER_WITHHELD: entries.UserWithheld,
    Kind.DISCONNECT: entries.Disconnect,
    Kind.WARNING: entries.Warning,
    Kind.EVENT: entries.Event,
    Kind.UNKNOWN: entries.Unknown,
}


class Intake:
    """
    The messages of one stream.  `end` is called with the reason when one of them means that the
    connection is over; `undelivered` is the capture's, by default one of its own.
    """

    def __init__(
        self,
        source: Codes,
        end: Callable[[Ending], None],
        undelivered: Undelivered | None = None,
    ) -> None:
        self._source = source
        self._end = end
        self._said: set[str] = set()
        self._undelivered = undelivered or Undelivered()
        self._notices = self._undelivered.connection()

    def connected(self) -> None:
        """A new connection: what was complained of on the last one is news again."""
        self._said.clear()
        self._notices = self._undelivered.connection()

    def take(self, archive: Archive, messages: list[bytes | Overlong]) -> None:
        """Posts are taken, everything else is heeded or complained of."""
        posts, post = [], Kind.POST
        for message in messages:
            if isinstance(message, Overlong):
                self.refuse(archive, "too long", message.size, message.head)
            elif (kind := kind_of(message)) is post:
                posts.append(message)
            else:
                self._heed(archive, kind, message)
        if posts:
            archive.store(posts)

    def _heed(self, archive: Archive, kind: Kind, line: bytes) -> None:
        if kind is Kind.NOT_JSON:
            self.refuse(archive, "not JSON", len(line), line)
            return
        if kind is Kind.CONNECTION_LIMIT:
            archive.note(entries.ConnectionLimit(text=excerpt(line)))
            self._end(
                Ending("duplicate", "too many streams use these credentials", Trouble.DUPLICATE)
            )
            return
        message = decoded(line)
        if kind is Kind.LIMIT:
            undelivered = self._notices.take(message)
            archive.note(entries.Limit(message=message, undelivered=undelivered))
            return
        archive.note(_SAID[kind](message=message))
        if kind is Kind.DISCONNECT:
            self._end(self._farewell(message))
        elif kind is Kind.WARNING:
            self._say_once(
                archive, "warning", "Twitter warns: " + excerpt(line).replace("\\/", "/")
            )

    def _farewell(self, message: object) -> Ending:
        said = message.get("disconnect") if isinstance(message, dict) else None
        code = said.get("code") if isinstance(said, dict) else None
        meaning, trouble = self._source.disconnect(code if type(code) is int else None)
        return Ending("disconnect", f"Twitter disconnected: {meaning}", trouble)

    def refuse(self, archive: Archive, reason: str, size: int, line: bytes) -> None:
        """A line that is no message costs a line in the ledger, and nothing else."""
        archive.note(entries.Refused(reason=reason, bytes=size, begins=excerpt(line)))
        self._say_once(
            archive, reason, f"a line of {size} bytes is {reason}; the ledger quotes its beginning"
        )

    def _say_once(self, archive: Archive, topic: str, text: str) -> None:
        if topic not in self._said:
            log.warn("Capture {name!r}: {text}.", name=archive.name, text=text)
        self._said.add(topic)
