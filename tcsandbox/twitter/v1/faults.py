"""
The faults that only v1.1 has: a limit on connects, how a newer stream takes over, and messages.

Each of the messages tells the open streams one thing that is no post.  Shapes are as on the
"streaming message types" page, with the `timestamp_ms` that real streams add.
"""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from tcsandbox.twitter.common.faults import Count, Seconds, SimulatorFault, StreamFault
from tcsandbox.twitter.common.stream import Stream
from tcsandbox.twitter.common.text import Json
from tcsandbox.twitter.v1.stream import disconnect, falling_behind
from tcsandbox.twitter.v1.users import twitter_time


class Calm(SimulatorFault):
    """Answers 420 by a CalmPolicy of these `connects` and, both scaled, `window` and `ban`."""

    connects: Count
    window: Seconds = 900.0
    ban: Seconds = 60.0


class Takeover(SimulatorFault):
    """
    Says how a stream ends when its account opens another.

    With `notice` it is told why (code 7); it ends `after` seconds, scaled, and until then posts
    that match both streams go out on both.
    """

    notice: bool
    after: Annotated[float, msgspec.Meta(ge=0)] = 0.0


V1Fault = Calm | Takeover


class SimulatedDelete(StreamFault, tag="delete"):
    """Sends a deletion notice: its author deleted a post."""

    status_id: int = 1234
    user_id: int = 3

    def strike(self, stream: Stream) -> None:
        status = _both("id", self.status_id) | _both("user_id", self.user_id)
        stream.tell({"delete": {"status": status, "timestamp_ms": str(stream.milliseconds())}})


class SimulatedScrubGeo(StreamFault, tag="scrub_geo"):
    """Sends a location deletion notice: a user withdrew the places of posts up to one."""

    up_to_status_id: int = 23260136625
    user_id: int = 14090452

    def strike(self, stream: Stream) -> None:
        up_to = _both("up_to_status_id", self.up_to_status_id)
        stream.tell({"scrub_geo": _both("user_id", self.user_id) | up_to})


class SimulatedLimit(StreamFault, tag="limit"):
    """Sends a limit notice about `missed` more undelivered posts; two counters take turns."""

    missed: Count = 100

    def strike(self, stream: Stream) -> None:
        missed = stream.count_missed(self.missed)
        stream.tell({"limit": {"track": missed, "timestamp_ms": str(stream.milliseconds())}})


class SimulatedStatusWithheld(StreamFault, tag="status_withheld"):
    """Sends the notice that a post is withheld in some countries."""

    status_id: int = 1234567890
    user_id: int = 123456
    countries: tuple[str, ...] = ("DE", "AR")

    def strike(self, stream: Stream) -> None:
        status: Json = {"id": self.status_id, "user_id": self.user_id}
        stream.tell({"status_withheld": {**status, "withheld_in_countries": self.countries}})


class SimulatedUserWithheld(StreamFault, tag="user_withheld"):
    """Sends the notice that a user is withheld in some countries."""

    user_id: int = 123456
    countries: tuple[str, ...] = ("DE", "AR")

    def strike(self, stream: Stream) -> None:
        members: Json = {"id": self.user_id, "withheld_in_countries": self.countries}
        stream.tell({"user_withheld": members})


class SimulatedDisconnect(StreamFault, tag="disconnect"):
    """Sends a disconnect message and, unless `close` is false, ends the stream."""

    code: int = 12
    close: bool = True

    def strike(self, stream: Stream) -> None:
        stream.tell(disconnect(self.code, stream.attempt.endpoint))
        if self.close:
            stream.wire.end()


class SimulatedStallWarning(StreamFault, tag="warning"):
    """Sends FALLING_BEHIND, which has no consequence."""

    percent_full: Annotated[int, msgspec.Meta(ge=0, le=100)] = 60

    def strike(self, stream: Stream) -> None:
        stream.tell(falling_behind(self.percent_full))


class SimulatedUserUpdate(StreamFault, tag="event"):
    """Sends the event that a user changed the profile."""

    def strike(self, stream: Stream) -> None:
        user: Json = {"id": 1_401_881, "id_str": "1401881", "screen_name": "dougw"}
        created_at = twitter_time(datetime.fromtimestamp(stream.milliseconds() / 1000, UTC))
        event: Json = {"event": "user_update", "source": user, "target": user}
        stream.tell({**event, "created_at": created_at})


class SimulatedUnknown(StreamFault, tag="unknown"):
    """Sends a message of a kind that is documented nowhere."""

    def strike(self, stream: Stream) -> None:
        stream.tell({"fleet_expired": {"id": 12, "children": [{"text": "not a post"}]}})


def _both(name: str, value: int) -> Json:
    """Return a number as v1.1 gives it: by itself, and as text."""
    return {name: value, f"{name}_str": str(value)}
