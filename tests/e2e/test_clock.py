"""The machine's clock is set by an hour while the client runs."""

import signal

from tcclient.control.jobs import Status
from tcsandbox.twitter.common.damage import Stall
from tcsandbox.twitter.common.faults import Clear
from tests.e2e.faketime import HOUR, machine_clock
from tests.e2e.processes import Running, start, twistd, until
from tests.e2e.stage import Stage

NOTICED = "This machine's clock was set"
STOPPED = "tcc has stopped; all files are finished."


class ClockTests(Stage):
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

    async def reported(self, client: Running) -> None:
        """Return once 30 posts more are on disk, in the server's total and in the history."""
        enough = len(self.posts()) + 30
        updates = self.server.store.updates[self.job.id]

        def told() -> bool:
            client.check()
            return (self.total or 0) >= enough and sum(u.count or 0 for u in updates) >= enough

        await until(told, f"{enough} posts reported")

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
