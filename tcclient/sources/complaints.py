"""
Complaints about a stream: lines that are not messages, and warnings that may repeat without end.

Knows what is worth a line in the ledger and a sentence in the log; opens and closes nothing.
"""

from twisted.logger import Logger

from tcclient.ledger.entries import RefusedLine
from tcclient.storage.archive import Archive
from tcclient.stream.framing import excerpt

log = Logger()


class Complaints:
    """The complaints about one stream.  The log gets each kind of complaint once a connection."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def opened(self) -> None:
        """Begin anew with a connection: complaints about the last one may be repeated."""
        self._said.clear()

    def refuse(self, archive: Archive, reason: str, size: int, line: bytes) -> None:
        """
        Note a line that is not a message in the ledger, and warn of the first one with this
        `reason`; the stream goes on.  `size` is the line's length in bytes, `line` is at least its
        beginning.
        """
        archive.note(RefusedLine(reason=reason, bytes=size, begins=excerpt(line)))
        self.say_once(
            archive.name,
            reason,
            f"a line of {size} bytes is {reason}; the ledger quotes its beginning",
        )

    def say_once(self, name: str, topic: str, text: str) -> None:
        """Warn of the capture `name`, once a connection for each topic."""
        if topic not in self._said:
            log.warn("Capture {name!r}: {text}.", name=name, text=text)
        self._said.add(topic)
