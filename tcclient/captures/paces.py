"""
What is done for hundreds of captures: not all of it at once.

Knows how they are spread over time; does not know what a capture tells or finishes.
"""

from collections.abc import Collection, Mapping, Sequence

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from tcclient.captures.attempts import Departure
from tcclient.captures.capture import Capture
from tcclient.captures.isolation import Isolation
from tcclient.runtime.turns import Breath

log = Logger()

PACE = 2
"""Reports that begin together."""
SPREAD = 0.8
"""The share of the interval over which reports are spread; the rest is for slow ones."""


async def tell_spread(
    captures: Mapping[int, Capture], ids: Sequence[int], interval: float, clock: IReactorTime
) -> None:
    """
    Have those of the captures with these ids report, PACE of them at a time, spread over an
    interval in seconds: an older site loses clicks that fall into a burst.  Returns when the last
    has begun.
    """
    step = SPREAD * interval * PACE / max(1, len(ids))
    for number, id in enumerate(ids):
        if number and number % PACE == 0:
            await deferLater(clock, step)
        if id in captures:
            captures[id].tell()


async def leave_all(captures: Sequence[Capture], isolation: Isolation, clock: IReactorTime) -> None:
    """Have all captures leave, as the process ends, and say of how many a report is left."""
    breath, departure = Breath(clock), Departure(PACE, clock)
    leaving: list[Deferred[bool]] = []
    for one in captures:
        leaving.append(Deferred.fromCoroutine(_leave(one, isolation, departure)))
        await breath.pause()
    late = sum(await gatherResults(leaving, consumeErrors=True))
    if late:
        log.warn(
            "The server did not take the last report of {n} of {all} captures in time: the next "
            "start sends it.",
            n=late,
            all=len(leaving),
        )


def say_ended(captures: Collection[Capture]) -> None:
    """Say at the end of the process whether the files of all captures are finished."""
    left = [capture.session for capture in captures if capture.session.is_given_up]
    if not all(session.is_stored for session in left):
        log.error("tcc has stopped; {n} captures are left to the next start.", n=len(left))
    elif left:
        log.warn(
            "tcc has stopped; all posts are stored, and {n} captures are left to the next start, "
            "which finishes their files.",
            n=len(left),
        )
    else:
        log.info("tcc has stopped; all files are finished.")


async def _leave(capture: Capture, isolation: Isolation, departure: Departure) -> bool:
    """Have a capture leave.  Return whether its last report took too long."""
    capture.session.leave()
    with isolation.of("leaving", capture.job):
        return not await capture.leave(departure)
    return False
