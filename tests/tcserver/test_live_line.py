"""Hints between processes by layers that lose, refuse and hang; and what is pure of real time."""

import asyncio
from collections.abc import Callable
from typing import Any

from channels.layers import InMemoryChannelLayer
from django.test import override_settings
from twisted.trial.unittest import SynchronousTestCase

from tcserver.hints import CAPTURES, group_of, number_in, of_capture, of_client, of_numbers
from tcserver.live.allowance import Allowance, Allowances
from tcserver.live.closing import come_back, spread
from tcserver.live.line import BEAT, GATHER, HINT, HintLine

LAYER = {"BACKEND": f"{__name__}.BadLayer"}
LONG = 30.0


class BadLayer(InMemoryChannelLayer):
    """In memory; each call of `fails` says whether the next message is refused."""

    def __init__(self) -> None:
        super().__init__()
        self.fails: Callable[[], bool] = lambda: False

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send, or not."""
        if self.fails():
            raise ConnectionError("away")
        await super().group_send(group, message)


class LineTests(SynchronousTestCase):
    def run_lines(self, act: Callable[[Any, Any, Any], Any], gather: float = GATHER) -> None:
        """Have act() work with two processes' lines, and what the second one hears."""

        async def work() -> None:
            heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
            near = HintLine(lambda kind, topic: None, gather)
            far = HintLine(lambda kind, topic: heard.put_nowait((kind, topic)))
            tasks = [asyncio.ensure_future(one.run()) for one in (near, far)]
            await far.join(of_client(7))
            await far.join(CAPTURES)
            while not far._layer.groups.get(CAPTURES):  # noqa: ASYNC110 - it has no event for it
                await asyncio.sleep(0.01)
            async with asyncio.timeout(LONG):
                await act(near, far, heard)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        with override_settings(CHANNEL_LAYERS={"default": LAYER}):
            asyncio.run(work())

    def test_topics(self) -> None:
        """Those of a group that was joined are heard, of captures in one group; others are not."""

        async def act(near: HintLine, far: HintLine, heard: Any) -> None:
            near.hint([of_client(8), of_client(7), of_capture(3)])
            self.assertEqual(
                {await heard.get(), await heard.get()}, {(HINT, "client.7"), (HINT, "capture.3")}
            )
            self.assertTrue(heard.empty())

        self.run_lines(act)

    def test_what_somebody_waits_for(self) -> None:
        """It is not gathered with numbers, and what waits goes with it."""

        async def act(near: HintLine, far: HintLine, heard: Any) -> None:
            near.hint([of_numbers(1)])
            self.assertEqual(await heard.get(), (HINT, "numbers.1"))
            near.hint([of_numbers(2)])
            near.hint([of_capture(3)])
            found = {await heard.get(), await heard.get()}
            self.assertEqual(found, {(HINT, "numbers.2"), (HINT, "capture.3")})

        self.run_lines(act, gather=2 * LONG)

    def test_the_own_process(self) -> None:
        """It hears at once, without the layer, and once."""

        async def act(near: HintLine, far: HintLine, heard: Any) -> None:
            far._layer.fails = lambda: True
            far.hint([of_client(7)])
            self.assertEqual(heard.get_nowait(), (HINT, "client.7"))
            self.assertTrue(heard.empty())

        self.run_lines(act)

    def test_a_layer_that_refuses_once(self) -> None:
        """What it has refused is said again, as after a restart of Redis."""

        async def act(near: HintLine, far: HintLine, heard: Any) -> None:
            refusals = iter([True])
            near._layer.fails = lambda: next(refusals, False)
            with self.assertLogs("tcserver.live.line", "WARNING") as logs:
                near.hint([of_client(7)])
                self.assertEqual(await heard.get(), (HINT, "client.7"))
                while near._is_away:  # noqa: ASYNC110 - it has no event for it
                    await asyncio.sleep(0.01)
            self.assertEqual(len(logs.output), 2)

        self.run_lines(act)

    def test_a_layer_that_is_away(self) -> None:
        """A beat comes all the same; one that works brings it back to its sender by the layer."""

        async def act(near: HintLine, far: HintLine, heard: Any) -> None:
            far.beat(of_client(7))
            self.assertEqual(await heard.get(), (BEAT, "client.7"))
            far._layer.fails = lambda: True
            with self.assertLogs("tcserver.live.line", "WARNING") as logs:
                far.beat(of_client(7))
                self.assertEqual(await heard.get(), (BEAT, "client.7"))
                far.beat(of_client(7))
                self.assertEqual(await heard.get(), (BEAT, "client.7"))
            self.assertEqual(len(logs.output), 1)

        self.run_lines(act)


class PureTests(SynchronousTestCase):
    def test_groups(self) -> None:
        """A client has its own, pages have one."""
        topics = [of_client(7), of_capture(7), of_numbers(7), CAPTURES]
        self.assertEqual([*map(group_of, topics)], ["client.7", CAPTURES, CAPTURES, CAPTURES])
        self.assertEqual([*map(number_in, topics)], [None, 7, 7, None])

    def test_an_allowance(self) -> None:
        """So much at once, then what the rate brings back; a clock set back brings nothing."""
        one = Allowance(10, 2)
        self.assertTrue(one.takes(10, 100.0))
        self.assertFalse(one.takes(1, 100.4))
        self.assertTrue(one.takes(1, 100.5))
        self.assertFalse(one.takes(1, 50.0))
        self.assertTrue(one.takes(10, 1000.0))
        self.assertFalse(one.takes(0.1, 1000.0))

    def test_how_long_to_wait(self) -> None:
        """Until so much may come, which it does not by asking."""
        one = Allowance(3, 4)
        for now, waits in (
            (0.0, 0.0),
            (0.0, 0.0),
            (0.0, 0.0),
            (0.0, 0.25),
            (0.2, 0.05),
            (9.0, 0.0),
        ):
            self.assertAlmostEqual(one.wait(1, now), waits)
            self.assertEqual(one.takes(1, now), not waits)

    def test_allowances(self) -> None:
        """A key keeps its own over connections; the one not asked for longest is forgotten."""
        some = Allowances(1, 1, keys=2)
        self.assertTrue(some.of("a").takes(1, 0.0))
        self.assertFalse(some.of("a").takes(1, 0.0))
        some.of("b")
        some.of("c")
        self.assertTrue(some.of("a").takes(1, 0.0))

    def test_how_they_come_back(self) -> None:
        """A few at once; a thousand over half a minute, 30 a second."""
        self.assertEqual((spread(0), spread(19)), (0.0, 0.0))
        self.assertAlmostEqual(spread(20), 20 / 30)
        waits = [come_back("", 1000).retry_after for _ in range(1000)]
        self.assertGreaterEqual(min(waits), 1.0)
        self.assertLess(max(waits), 1.0 + 1000 / 30 + 0.001)
        self.assertGreater(max(waits), 25.0)
        self.assertEqual(come_back("", 5).retry_after, 1.0)
