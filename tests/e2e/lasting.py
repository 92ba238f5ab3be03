"""
What people see in the situations of a client that are said when they have lasted a minute, with
real processes: `trial tests.e2e.lasting`.

A stream that falls silent takes five minutes: `python -m tests.e2e.situations quiet` plays it, and
`tests.captures.test_healthlog` by a clock that the test moves.
"""

from tests.e2e.test_health import SituationsCase


class LastingTests(SituationsCase):
    async def test_what_is_said_when_it_has_lasted(self) -> None:
        """A minute; where all is well nothing is said by then."""
        await self.play(
            "healthy",
            "stalled",
            "refused credentials",
            "slot taken",
            "disk nearly full",
            "server away",
        )

    async def test_a_clock_that_is_off(self) -> None:
        """By the dates of the capture server's answers."""
        await self.play("clock off")
