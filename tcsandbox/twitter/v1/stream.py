"""An open v1.1 stream: how it encodes and frames messages, its own notices, and its rivals."""

import json
from collections.abc import Sequence

import attrs

from tcsandbox.twitter.common.stream import Stream
from tcsandbox.twitter.common.text import Json
from tcsandbox.twitter.v1.filters import Filter

REASONS = {
    1: "Shutdown",
    2: "Duplicate stream",
    3: "Control request",
    4: "Stall",
    5: "Normal",
    6: "Token revoked",
    7: "Admin logout",
    9: "Max message limit",
    10: "Stream exception",
    11: "Broker stall",
    12: "Shed load",
}


def encode(message: Json) -> bytes:
    r"""Return `message` as ASCII JSON, `/`, `<` and `>` escaped too, CRLF at the end."""
    text = json.dumps(message, separators=(",", ":"))
    text = text.replace("/", "\\/").replace("<", "\\u003c").replace(">", "\\u003e")
    return text.encode("ascii") + b"\r\n"


def disconnect(code: int, stream_name: str) -> Json:
    """Return the disconnect message that gives `code` as the reason."""
    reason = REASONS.get(code, "Unknown")
    return {"disconnect": {"code": code, "stream_name": stream_name, "reason": reason}}


def falling_behind(percent_full: int) -> Json:
    """Return the stall warning that the client's queue is `percent_full`."""
    message = (
        "Your connection is falling behind and messages are being queued for delivery to you. "
        f"Your queue is now over {percent_full}% full. "
        "You will be disconnected when the queue is full."
    )
    members: Json = {"code": "FALLING_BEHIND", "message": message, "percent_full": percent_full}
    return {"warning": members}


@attrs.frozen
class StreamTerms:
    """What a client asked for and who it is; `account` is its access token."""

    account: str
    wanted: Filter
    delimited: bool = False
    stall_warnings: bool = False


@attrs.define(eq=False)
class V1Stream(Stream):
    """A v1.1 stream; `rivals`, others of the account, get those of its posts that they match."""

    terms: StreamTerms = attrs.field(kw_only=True)
    rivals: tuple["V1Stream", ...] = attrs.field(default=(), kw_only=True)

    def tell(self, message: Json) -> None:
        """Send a message that is no post, encoded as v1.1 does."""
        self.wire.send(self.framed([encode(message)]))

    def warn(self, percent_full: int) -> None:
        """Send FALLING_BEHIND, if the client asked for stall warnings."""
        if self.terms.stall_warnings:
            self.tell(falling_behind(percent_full))

    def cut_off(self) -> None:
        """Send a disconnect message with code 4, Stall, and hang up."""
        self.tell(disconnect(4, self.attempt.endpoint))
        self.wire.hang_up()

    def criteria(self) -> Json:
        """Return the `track` phrases and `locations` boxes that the client asked for."""
        boxes = [list(attrs.astuple(box)) for box in self.terms.wanted.locations]
        return {"track": list(self.terms.wanted.track), "locations": boxes}

    def send_posts(self, posts: list[bytes], notes: Sequence[object]) -> None:
        """Send and note `posts` here, and those that match a rival on that rival too."""
        super().send_posts(posts, notes)
        for rival in self.rivals:
            rival.send_matching(posts, notes)

    def send_matching(self, posts: list[bytes], notes: Sequence[object]) -> None:
        """Send those of a rival's posts that match what was asked for here."""
        if not self.wire.closed and not self.silent:
            pairs = zip(posts, notes, strict=True)
            mine = [(post, note) for post, note in pairs if self.terms.wanted.matches(post)]
            super().send_posts([post for post, _ in mine], [note for _, note in mine])

    def framed(self, messages: list[bytes]) -> bytes:
        """Join `messages`, each after its length if the client asked for delimited=length."""
        if self.terms.delimited:
            messages = [b"%d\n%b" % (len(message), message) for message in messages]
        return super().framed(messages)
