"""The two ends of a socket of a channel, of which there is one at a time."""

from typing import Protocol

from tcclient.push.messages import ClientMessage, ServerMessage
from tcclient.push.retrying import ABNORMAL, ChannelEnding


class SocketOwner(Protocol):
    """Who hears of a socket.  None of this raises."""

    def opened(self) -> None:
        """Messages can be sent."""

    def heard(self, message: ServerMessage) -> None:
        """The server says something."""

    def writable(self) -> None:
        """Messages that were not taken, as nobody read them, are taken again."""

    def ended(self, ending: ChannelEnding) -> None:
        """The connection is gone: the last that is heard of it."""


class OneSocket(Protocol):
    """A socket, as its owner uses it."""

    def send(self, message: ClientMessage) -> bool:
        """
        Send a message; return False if the server does not read, or not any more.  Raises
        NotCarried for one that is too long.
        """

    def close(self) -> None:
        """Close the socket: this client ends.  The owner hears when it is gone, soon."""

    def give_up(self, reason: str, code: int = ABNORMAL) -> None:
        """Hang up on a server that is not to be spoken to."""
