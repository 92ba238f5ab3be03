"""The faults that are messages: each tells the open streams one thing that is no post."""

from typing import Annotated

import msgspec

from tcsandbox.twitter.common.faults import Count, StreamFault
from tcsandbox.twitter.common.stream import Stream
from tcsandbox.twitter.v1 import notices


class SimulatedDelete(StreamFault, tag="delete"):
    """Sends a deletion notice."""

    status_id: int = 1234
    user_id: int = 3

    def strike(self, stream: Stream) -> None:
        stream.tell(notices.delete(self.status_id, self.user_id, stream.milliseconds()))


class SimulatedScrubGeo(StreamFault, tag="scrub_geo"):
    """Sends a location deletion notice."""

    up_to_status_id: int = 23260136625
    user_id: int = 14090452

    def strike(self, stream: Stream) -> None:
        stream.tell(notices.scrub_geo(self.up_to_status_id, self.user_id))


class SimulatedLimit(StreamFault, tag="limit"):
    """Sends a limit notice about `missed` more undelivered posts; two counters take turns."""

    missed: Count = 100

    def strike(self, stream: Stream) -> None:
        missed = stream.count_missed(self.missed)
        stream.tell(notices.limit(missed, stream.milliseconds()))


class SimulatedStatusWithheld(StreamFault, tag="status_withheld"):
    """Sends the notice that a post is withheld in some countries."""

    status_id: int = 1234567890
    user_id: int = 123456
    countries: tuple[str, ...] = ("DE", "AR")

    def strike(self, stream: Stream) -> None:
        stream.tell(notices.status_withheld(self.status_id, self.user_id, self.countries))


class SimulatedUserWithheld(StreamFault, tag="user_withheld"):
    """Sends the notice that a user is withheld in some countries."""

    user_id: int = 123456
    countries: tuple[str, ...] = ("DE", "AR")

    def strike(self, stream: Stream) -> None:
        stream.tell(notices.user_withheld(self.user_id, self.countries))


class SimulatedDisconnect(StreamFault, tag="disconnect"):
    """Sends a disconnect message and, unless `close` is false, ends the stream."""

    code: int = 12
    close: bool = True

    def strike(self, stream: Stream) -> None:
        stream.tell(notices.disconnect(self.code, stream.identity.endpoint))
        if self.close:
            stream.wire.end()


class SimulatedStallWarning(StreamFault, tag="warning"):
    """Sends FALLING_BEHIND, which has no consequence."""

    percent_full: Annotated[int, msgspec.Meta(ge=0, le=100)] = 60

    def strike(self, stream: Stream) -> None:
        stream.tell(notices.falling_behind(self.percent_full))


class SimulatedUserUpdate(StreamFault, tag="event"):
    """Sends a user_update event."""

    def strike(self, stream: Stream) -> None:
        stream.tell(notices.event(stream.milliseconds()))


class SimulatedUnknown(StreamFault, tag="unknown"):
    """Sends a message of a kind that is documented nowhere."""

    def strike(self, stream: Stream) -> None:
        stream.tell(notices.unknown())
