"""How many sockets of clients come in within a second, whatever comes at once."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tcserver.live.closing import HungUp
from tcserver.live.door import Door


class SwiftLoop(asyncio.SelectorEventLoop):
    """An event loop whose time goes on at once where it would wait; nothing comes from outside."""

    def __init__(self) -> None:
        self._now = 1000.0
        super().__init__(SwiftSelector(self.stand_still))

    @classmethod
    def running(cls) -> "SwiftLoop":
        """The one that runs."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, cls)
        return loop

    def time(self) -> float:
        """Seconds."""
        return self._now

    def stand_still(self, seconds: float) -> None:
        """Let time pass, as on a machine that is busy with something else."""
        self._now += seconds


class SwiftSelector(selectors.DefaultSelector):
    """Tells of a wait instead of waiting."""

    def __init__(self, passes: Callable[[float], None]) -> None:
        super().__init__()
        self._passes = passes

    def select(self, timeout: float | None = None) -> Any:
        """What is ready."""
        self._passes(max(1e-6, timeout or 0.0))  # less may be lost in rounding
        return super().select(0)


class DoorTests(SynchronousTestCase):
    def come(self, clients: int, ends: frozenset[int] = frozenset()) -> list[tuple[float, int]]:
        """When each of so many clients that come at once is let in; those of `ends` hang up."""

        async def come() -> list[tuple[float, int]]:
            loop, door = SwiftLoop.running(), Door()
            entered: list[tuple[float, int]] = []
            loop.call_later(10.0, loop.stand_still, 5.0)

            async def one(number: int) -> None:
                arrives: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
                if number in ends:
                    loop.call_later(0.01, arrives.put_nowait, {"type": "websocket.disconnect"})
                try:
                    await door.let_in(arrives.get)
                    entered.append((loop.time(), number))
                except HungUp as e:
                    self.assertEqual(e.code, 1006)

            await asyncio.gather(*map(one, range(clients)))
            return entered

        with asyncio.Runner(loop_factory=SwiftLoop) as runner:
            return runner.run(come())

    def test_a_thousand(self) -> None:
        """In their order, and within each second at most 30, also where the process stood still."""
        entered = self.come(1000)
        self.assertEqual([number for _, number in entered], [*range(1000)])
        times = [at for at, _ in entered]
        self.assertLess(times[-1] - times[0], 45.0)
        most = max(sum(then <= at < then + 1.0 for at in times) for then in times)
        self.assertLessEqual(most, 30)

    def test_who_does_not_wait(self) -> None:
        """Nobody waits for those that have hung up."""
        entered = self.come(1000, ends=frozenset(range(10, 990)))
        self.assertEqual([number for _, number in entered], [*range(10), *range(990, 1000)])
        self.assertLess(entered[-1][0] - entered[0][0], 1.0)
