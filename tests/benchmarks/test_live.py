"""What the figures of the benchmarks of real time mean."""

import json
import time

import attrs
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.fanreport import Fanout, Reconnects, Spent, fan_report, reconnect_report
from benchmarks.fleetload import Member
from benchmarks.live import Target, report, targets
from benchmarks.livefleet import LivePage
from benchmarks.realtime import Waits, table


class Teller:
    """A member that has told three states."""

    def __init__(self) -> None:
        self.member = Member("token", 7)
        self.sent = {total: time.monotonic() - 1.0 for total in (15, 30, 45)}


def state(posts: int) -> str:
    """What a page is sent of capture 7."""
    return json.dumps({"captures": [{"number": 7, "posts": posts}]})


class FigureTests(SynchronousTestCase):
    def test_how_late_a_page_is(self) -> None:
        """A state that was overtaken was there when the newer one was; the first says nothing."""
        page = LivePage(1, "session", {7: Teller()})  # type: ignore[dict-item]  # a part of one
        for text in (state(15), state(45), state(45)):
            page._take(json.loads(text), time.monotonic(), len(text))
        self.assertEqual([round(late) for late in page.late], [1, 1])
        self.assertEqual(page.messages, 3)

    def test_what_a_state_costs(self) -> None:
        """Milliseconds each, without what idling takes."""
        spent = Spent(12.0, 3.0).since(Spent(10.0, 2.0), Spent(0.1, 0.05), 10.0, 1000)
        self.assertEqual((round(spent.servers, 6), round(spent.database, 6)), (1.0, 0.5))

    def test_the_reports(self) -> None:
        """The ratio is of medians; what did not go by the channel is said."""
        costs = [Spent(1.0, 0.1), Spent(3.0, 0.1), Spent(2.0, 0.1)]
        fan = Fanout([0.1, 0.3], costs, [Spent(4.0, 0.2)], [Spent(0.01, 0.0)], [200.0], 2, 1, 9)
        text = "\n".join(fan_report(fan))
        self.assertIn("| 2 | 2 | 100 | 300 | 300 | 1.000 – 2.000 – 3.000 | 4.000 | 0.50 |", text)
        self.assertIn("Not carried: 1; not acknowledged: 9 bytes.", text)
        back = "\n".join(reconnect_report(Reconnects(10, 4.25, 3, [0.01, 0.3], ["503"])))
        self.assertIn("| 10 | 4.2 | 3 | 2 | 10 | 300 | 1 503 |", back)

    def test_the_table(self) -> None:
        """A row for each target, with its counterpart by polls."""
        push = Waits([0.1, 0.2, 0.3], [0.05], [0.4], [0.2])
        text = "\n".join(table(push, Waits([10.0], [9.0], [8.0], [7.0])))
        self.assertIn("| 3 | 200 | 300 | 300 | 1 | 10,000 | 10,000 |", text)
        self.assertIn("| 1 | 400 | 400 | 400 | 1 | 8,000 | 8,000 |", text)

    def test_the_targets(self) -> None:
        """Each with its goal; what is above it was missed, be it one number of several."""
        push = Waits([0.1, 0.2, 0.31], [0.05], [0.4], [0.2])
        fan = Fanout([0.1], [Spent(1.0, 0.1)], [Spent(4.0, 0.2)], [], [200.0], 2)
        costs = [{"core": 0.0105, "rss": 60.0}, {"core": 0.01, "rss": 58.0}]
        back = Reconnects(1000, 42.0, 50, [0.2])
        found = [
            *targets(
                {"fan out": attrs.asdict(fan), "reconnects": attrs.asdict(back)},
                {"push": attrs.asdict(push), "polling": attrs.asdict(Waits()), "cost": costs},
            )
        ]
        missed = [one for one in found if not one.is_met]
        self.assertEqual([one.found for one in missed], [(200.0, 310.0)])
        text = "\n".join(report([Target("calls", "ms", (1, 2), (0.5, 2.5), "9 ms")]))
        self.assertIn("| calls | ms | ≤ 1, 2 | 0.5, 2.5 | **missed** | 9 ms |", text)
