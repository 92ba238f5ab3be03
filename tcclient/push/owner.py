"""Who hears of the sockets of a channel, of which there is one at a time."""

from typing import Protocol

from tcclient.push.messages import ServerMessage
from tcclient.push.retrying import ChannelEnding


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
