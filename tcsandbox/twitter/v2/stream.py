"""An open v2 stream: what it says besides posts, and what becomes of a slow reader."""

from typing import Literal

import attrs
import msgspec

from tcsandbox.twitter.common.stream import Sent, Stream
from tcsandbox.twitter.common.text import Json
from tcsandbox.twitter.v2.problems import problem

STRAY, STRAY_NOTE = b'{"data":{"id":"4096","text":"stray"},"matching_rules":[]}\r\n', "4096 -"

DisconnectType = Literal[
    "OperationalDisconnect",
    "UpstreamOperationalDisconnect",
    "ForceDisconnect",
    "UpstreamUncleanDisconnect",
    "SlowReader",
    "InternalError",
    "ClientApplicationStateDegraded",
    "InvalidRules",
]


def disconnect(disconnect_type: DisconnectType) -> Json:
    """Return the error that announces the end of a stream."""
    detail = "This stream has been disconnected for operational reasons."
    if disconnect_type == "SlowReader":
        detail = "This stream has been disconnected because the client reads too slowly."
    title = "operational-disconnect"
    return problem(title, detail, title, disconnect_type=disconnect_type)


@attrs.define(eq=False)
class V2Stream(Stream):
    """A v2 stream."""

    def tell(self, message: Json) -> None:
        """Send a message that is no post, encoded as v2 does."""
        self.wire.send(msgspec.json.encode(message) + b"\r\n")

    def draw_post(self) -> Sent:
        """
        Take a post from the source without sending it; return it and its journal note.

        Where no rule works, the post is one that matches none.
        """
        posts, notes = self._posts.take(1, self._clock.seconds())
        return (posts[0], notes[0]) if posts else (STRAY, STRAY_NOTE)

    def cut_off(self) -> None:
        """Send the error SlowReader and hang up."""
        self.tell({"errors": [disconnect("SlowReader")]})
        self.wire.hang_up()
