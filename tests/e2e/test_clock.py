"""The machine's clock is set by an hour while the client runs, or the machine sleeps."""

import json
import re
import signal

from tcclient.control.jobs import Status
from tcsandbox.twitter.common.damage import Close, Stall
from tcsandbox.twitter.common.faults import Clear, HttpStatusFault
from tcsandbox.twitter.v2.faults import ChangePlan
from tests.e2e.faketime import HOUR, machine_clock
from tests.e2e.processes import Running, python, run, start, twistd, until
from tests.e2e.sleeping import sleeping_machine
from tests.e2e.stage import Stage

GAP = r'{.*"kind": "gap".*'
NOTICED = "This machine's clock was set"
STOPPED = "tcc has stopped; all files are finished."


class CaptureStage(Stage):
    """A client that captures and reports."""

    async def reported(self, client: Running) -> None:
        """Return once 30 posts more are on disk, in the server's total and in the history."""
        enough = len(self.posts()) + 30
        updates = self.server.store.updates[self.job.id]

        def told() -> bool:
            client.check()
            return (self.total or 0) >= enough and sum(u.count or 0 for u in updates) >= enough

        await until(told, f"{enough} posts reported")


class ClockTests(CaptureStage):
    """
    On a machine whose timers stood still for that hour, what is waited for here would not come;
    where all went off at once, the connection would not last.
    """

    async def begin(self, stall_timeout: float | None = None, reactor: str = "default") -> Running:
        """A client that captures by this reactor, on a machine with a clock of its own."""
        self.clock = await machine_clock(self, self.folder)
        self.write_settings(
            twitter={"stall_timeout": stall_timeout}, output={"minute_interval": 60, "utc": True}
        )
        command = twistd("-n", "--reactor", reactor, "tcc", "--config", "settings.json")
        client = start(self, self.folder, command, **self.clock.environ)
        await self.captured(len(self.posts()) + 30, client)
        return client

    def assert_one_connection(self) -> None:
        """The stream is the one that was opened first."""
        self.assertEqual(len(self.twitter.state()["connects"]), 1)
        self.assertEqual(len(self.twitter.state()["streams"]), 1)
        self.assertEqual(self.ledger("disconnected"), [])

    async def test_forward_and_back(self) -> None:
        """
        Posts and reports go on over the same connection.  Each step begins a file; one that is
        finished stays as it is, also when its hour comes again.  The accounts say what happened.
        """
        client = await self.begin()
        finished: dict[str, bytes] = {}
        for number, seconds in enumerate((HOUR, -HOUR, HOUR), 1):
            self.clock.set(seconds)
            await client.says(NOTICED, number)
            await self.reported(client)
            self.assert_one_connection()
            found = {path.name: path.read_bytes() for path in self.data.glob("*.json")}
            self.assertGreaterEqual(len(found), number)
            self.assertEqual({name: found.get(name) for name in finished}, finished)
            finished = found
        await client.end(signal.SIGTERM)
        self.assert_whole()
        steps = [round(line["seconds"]) for line in self.ledger("clock_step")]
        self.assertEqual(steps, [HOUR, -HOUR, HOUR])
        index = (self.folder / "data" / "tcc.ledger.jsonl").read_text()
        self.assertEqual(index.count('"clock_step"'), 3)

    async def steps_by(self, reactor: str) -> None:
        """Posts and reports go on by this reactor after a step back, and after one forward."""
        client = await self.begin(reactor=reactor)
        for number, seconds in enumerate((-HOUR, HOUR), 1):
            self.clock.set(seconds)
            await client.says(NOTICED, number)
            await self.reported(client)
        self.assert_one_connection()
        await client.end(signal.SIGTERM)
        self.assert_whole()

    async def test_by_epoll(self) -> None:
        """What Twisted uses on Linux, if nothing else is asked for."""
        await self.steps_by("epoll")

    async def test_by_poll(self) -> None:
        """Another one of Twisted's."""
        await self.steps_by("poll")

    async def test_by_select(self) -> None:
        """Another one of Twisted's."""
        await self.steps_by("select")

    async def test_by_asyncio(self) -> None:
        """One whose timers are those of a loop that has a clock of its own."""
        await self.steps_by("asyncio")

    async def test_a_stop(self) -> None:
        """The capture stops, and starts, when the server says so."""
        client = await self.begin()
        for number, seconds in enumerate((-HOUR, HOUR)):
            self.clock.set(seconds)
            await client.says(NOTICED, 2 * number + 1)
            self.job.status = Status.STOPPING
            await until(lambda: self.job.status == Status.STOPPED, "the capture stopped")
            self.assert_whole()
            self.clock.set(-seconds)  # another hour than Twitter's would be refused
            await client.says(NOTICED, 2 * number + 2)
            self.job.status = Status.STARTING
            await until(lambda: self.job.status == Status.STARTED, "the capture started")
        await client.end(signal.SIGTERM)

    async def test_the_end(self) -> None:
        """A SIGTERM in the same moment ends the client, and nothing is lost."""
        for seconds in (-HOUR, HOUR):
            client = await self.begin()
            self.clock.set(seconds)
            ended = await client.end(signal.SIGTERM)
            self.assertEqual((ended.status, ended.out.count(STOPPED)), (-signal.SIGTERM, 1))
            self.assert_whole()

    async def test_a_stall(self) -> None:
        """Silence is noticed in its time on a clock that was set back in the midst of it."""
        client = await self.begin(stall_timeout=3.0)
        self.twitter.fault(Stall())
        self.clock.set(-HOUR)
        await until(lambda: self.ledger("disconnected"), "the end of a silent stream")
        self.assertEqual([line["cause"] for line in self.ledger("disconnected")], ["stall"])
        await until(lambda: len(self.twitter.state()["connects"]) > 1, "another attempt")
        await client.end(signal.SIGTERM)
        self.assert_whole()

    async def test_a_silence_that_is_no_stall(self) -> None:
        """A clock that was set forward does not make it one."""
        client = await self.begin(stall_timeout=60.0)
        self.twitter.fault(Stall())
        self.clock.set(HOUR)
        await client.says(NOTICED)
        seen = len(self.server.requests())
        await until(lambda: len(self.server.requests()) > seen + 10, "some polls and reports")
        self.assert_one_connection()
        self.twitter.fault(Clear())
        await self.reported(client)
        self.assert_one_connection()
        await client.end(signal.SIGTERM)
        self.assert_whole()


SLEPT = "This machine was asleep"


class SleepTests(CaptureStage):
    """
    The machine sleeps: its date goes on, the clock of the client's timers does not.  Nothing can
    have come meanwhile.
    """

    async def begin(self, api: str = "2") -> Running:
        """A client that captures, on a machine that can sleep; a night would upset v1.1's OAuth."""
        self.machine = await sleeping_machine(self, self.folder)
        self.twitter.fault(ChangePlan(rule_delay=0.1))
        root = self.stream_url.removesuffix("1.1/")
        self.write_settings(
            twitter={"api": api, "api_url": root, "rule_delay": 0.1},
            output={"minute_interval": 60},
        )
        command = twistd("-n", "tcc", "--config", "settings.json")
        client = start(self, self.folder, command, **self.machine.environ)
        await self.captured(len(self.posts()) + 30, client)
        return client

    async def sleeps(self, client: Running, seconds: int) -> None:
        """The machine sleeps, the client knows, and posts come again."""
        before, gaps = len(self.ledger("sleep")), len(self.ledger("gap"))
        self.machine.sleep(seconds)
        await client.says(SLEPT, before + 1)
        await until(lambda: len(self.ledger("gap")) > gaps, "the end of a gap")
        await self.reported(client)
        self.assertEqual(round(self.ledger("sleep")[-1]["seconds"]), seconds)

    async def ends(self, client: Running) -> None:
        """The client ends, and has counted what it has stored."""
        await client.end(signal.SIGTERM)
        self.assertEqual(list(self.data.glob("*.tmp")), [])
        updates = self.server.store.updates[self.job.id]
        reported = sum(update.count or 0 for update in updates)
        self.assertEqual((self.total, reported), (len(self.posts()), len(self.posts())))

    def gaps(self) -> list[tuple[str, int]]:
        """The causes of all gaps but the first, and how many minutes these have."""
        return [(gap["cause"], round(gap["seconds"] / 60)) for gap in self.ledger("gap")[1:]]

    async def test_a_night(self) -> None:
        """
        It is in one gap, and not covered.  The connection, which nobody holds any more after eight
        hours, is made again at once, and the file of the evening is finished.
        """
        client = await self.begin()
        await self.sleeps(client, 8 * HOUR)
        self.assertEqual(self.gaps(), [("sleep", 8 * 60)])
        self.assertEqual([line["cause"] for line in self.ledger("disconnected")], ["sleep"])
        self.assertEqual(len(self.ledger("connected")), 2)
        self.assertEqual(len(list(self.data.glob("*.json"))), 1)
        self.assertEqual(self.ledger("clock_step"), [])
        await self.ends(client)
        account = python("-m", "tcaccount", str(self.data))
        said = (await run(self, self.folder, account)).out
        found = re.search(r"Coverage +([0-9.]+) %", said)
        assert found is not None, said
        self.assertLess(float(found[1]), 1.0)

    async def test_several_captures(self) -> None:
        """The night is missing in each, and their one connection is made again once."""
        self.server.store.create("tea", "tea, rain", 2)
        client = await self.begin()
        tea = self.folder / "data" / "tea"

        def gaps() -> list[str]:
            months = sorted(tea.glob("tea.ledger.*"))  # the night may be the last one of its month
            return [one for path in months for one in re.findall(GAP, path.read_text())]

        await until(lambda: len(gaps()) == 1, "posts of the other one")
        await self.sleeps(client, 8 * HOUR)
        self.assertEqual(self.gaps(), [("sleep", 8 * 60)])
        await until(lambda: len(gaps()) == 2, "its gap")
        gap = json.loads(gaps()[-1])
        self.assertEqual((gap["cause"], round(gap["seconds"] / 60)), ("sleep", 8 * 60))
        self.assertEqual(len(self.ledger("connected")), 2)
        await self.ends(client)

    async def nap(self, api: str) -> None:
        """Is in a gap, though the connection has outlived it."""
        client = await self.begin(api)
        await self.sleeps(client, 10)
        gap = self.ledger("gap")[-1]
        self.assertEqual((len(self.gaps()), gap["cause"]), (1, "sleep"))
        self.assertTrue(10 <= gap["seconds"] < 15, gap)
        self.assertEqual(self.ledger("disconnected"), [])
        self.assertEqual(len(self.ledger("connected")), 1)
        await self.ends(client)

    async def test_a_nap_on_v1(self) -> None:
        """On v1.1, one connection for the capture."""
        await self.nap("1.1")

    async def test_a_nap_on_v2(self) -> None:
        """On v2, one connection for all."""
        await self.nap("2")

    async def test_a_clock_that_is_set_besides(self) -> None:
        """The sleep is as long as it was, and the step is told by itself."""
        client = await self.begin()
        await self.sleeps(client, 8 * HOUR)
        self.machine.set(-HOUR)
        await client.says(NOTICED)
        await self.sleeps(client, 10)
        self.assertEqual([round(line["seconds"]) for line in self.ledger("clock_step")], [-HOUR])
        self.assertEqual(self.gaps(), [("sleep", 8 * 60), ("sleep", 0)])
        await self.ends(client)

    async def test_a_night_without_a_stream(self) -> None:
        """What was missing before, and is again, has its own cause; the sleep has its own."""
        client = await self.begin()
        self.twitter.fault(HttpStatusFault(status=503))
        self.twitter.fault(Close())
        await until(lambda: self.ledger("not_connected"), "a refusal")
        await self.sleeps(client, 8 * HOUR)
        self.assertEqual(self.gaps(), [("closed", 0), ("sleep", 8 * 60), ("closed", 0)])
        await self.ends(client)
