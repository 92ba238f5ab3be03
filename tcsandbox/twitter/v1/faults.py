"""The faults that only v1.1 has: a limit on connects, and how a newer stream takes over."""

from typing import Annotated

import msgspec

from tcsandbox.twitter.common.faults import Count, Seconds, SimulatorFault


class Calm(SimulatorFault):
    """
    Answers 420 to more than `connects` in `window` seconds, for `ban` seconds.

    Every connect during a ban doubles it.  Both times are scaled.
    """

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
