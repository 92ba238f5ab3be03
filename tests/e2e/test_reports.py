"""What the capture server knows of its clients without any socket: as much as they do."""

import json
import os
import shutil
import signal

from tests.e2e.ourserver import DATABASE, OurServerStage, lines_of
from tests.e2e.processes import Running, until
from tests.left import leave
from tests.marks import Need, needs

STARTED, STOPPING, STOPPED = 3, 4, 5


@needs(Need.PROCESSES)
class ReportedLifeTests(OurServerStage):
    """On SQLite."""

    async def test_a_whole_life(self) -> None:
        """
        Through starts, stops, new keywords, kills of either end, an archive and a reassignment:
        states, numbers and ledgers are the same on both sides.
        """
        await self.begin()
        client = self.client()
        storm = await self.create("storm", "storm, green tea")
        tea = await self.create("tea", "tea, rain")
        for number, name in ((storm, "storm"), (tea, "tea")):
            await self.is_so(number, "ok", answer=STARTED)
            await self.more_posts(client, name)

        await self.ask("PATCH", f"jobs/{storm}/", keywords="rain, snow")
        await self.is_so(storm, "ok")
        await client.end(signal.SIGKILL)
        await self.ask("PATCH", f"jobs/{storm}/", keywords="snow, storm")
        client = self.client()
        await self.is_so(storm, "ok")
        await self.more_posts(client, "storm")

        await self.server_is_killed()
        await client.says("The capture server fails at listing the jobs")
        await self.more_posts(client, "tea")
        await self.server_comes()
        await self.ask("PATCH", f"jobs/{tea}/", status=STOPPING)
        await self.is_so(tea, "idle", answer=STOPPED)
        await self.ask("PATCH", f"jobs/{tea}/", status=2)
        await self.is_so(tea, "ok", answer=STARTED)
        rain = await self.create("rain", "rain")
        await self.is_so(rain, "ok")
        await self.more_posts(client, "rain")

        await self.ask("PATCH", f"jobs/{tea}/", archived_date="2026-11-30T12:00:00Z")
        await self.ask("PATCH", f"jobs/{storm}/", assigned_worker=self.elsewhere)
        self.twitter.set_rate(0.0)
        await self.are_equal(client, {storm: "storm", tea: "tea", rain: "rain"})
        self.assertEqual(self.capture(storm)["condition"], "")
        await self.is_so(rain, "ok", total=lines_of(self.folder, "rain"))
        ended = await client.end()
        self.assertIn(f"Job 'tea' ({tea}) is archived.", ended.out)
        self.assertIn(f"Job 'storm' ({storm}) was given to client {self.elsewhere}.", ended.out)
        for name, times in (("storm", 1), ("tea", 2), ("rain", 1)):
            self.assertEqual(ended.out.count(f"Capture '{name}' has stopped"), times, name)
        self.assertIn("all files are finished", ended.out)
        self.assertNotIn("Traceback", ended.out)

    async def test_a_client_from_a_backup(self) -> None:
        """
        Though its folder does not tell, it goes on in ledgers of their own; the server keeps what
        it has.
        """
        await self.begin()
        client = self.client()
        storm = await self.create("storm", "storm, green tea")
        await self.is_so(storm, "ok")
        await client.end(signal.SIGTERM)
        leave(self.folder / "data", self.folder / "backup")
        client = self.client()
        for keywords in ("rain, snow", "snow", "rain, storm"):
            await self.ask("PATCH", f"jobs/{storm}/", keywords=keywords)
            await self.is_so(storm, "ok")
        await self.have_the_same_ledgers(client)
        before = self.ledgers_there()
        await client.end(signal.SIGKILL)
        shutil.rmtree(self.folder / "data")
        shutil.move(self.folder / "backup", self.folder / "data")
        client = self.client()
        await self.is_so(storm, "ok")

        def goes_on() -> bool:
            client.check()
            here, there = self.ledgers_here(), self.ledgers_there()
            new = here.keys() - before.keys()
            return len(new) == 2 and all(here[id] == there.get(id) for id in new)

        await until(goes_on, "new ledgers of the capture and of none on both sides", 60)
        there = self.ledgers_there()
        self.assertEqual({id: there[id] for id in before}, before)
        for id in there.keys() - before.keys():
            self.assertEqual(json.loads(there[id].partition(b"\n")[0])["because"], "ahead")

    async def are_equal(self, client: Running, names: dict[int, str]) -> None:
        """Return once the server has all ledgers and counts all posts that are here."""

        def equal() -> bool:
            client.check()
            counts = [self.capture(number)["counted"] for number in names]
            here = [lines_of(self.folder, name) for name in names.values()]
            return counts == here and self.ledgers_there() == self.ledgers_here()

        await until(equal, "the same numbers and ledgers on both sides", 60)
        for number, name in names.items():
            [[counts]] = self.rows(
                f"SELECT sum(count) FROM accounts_updaterecord WHERE capture_id = {number}"
            )
            self.assertEqual(counts, lines_of(self.folder, name))


class ReportedLifeOnPostgresTests(ReportedLifeTests):
    """On PostgreSQL."""

    database = os.environ.get(DATABASE)
    if database is None:
        skip = f"{DATABASE} names no database."


@needs(Need.PROCESSES)
class ServerBackupTests(OurServerStage):
    """By the command of the server, which is for SQLite; PostgreSQL has its own."""

    async def test_a_server_from_a_backup(self) -> None:
        """It gets again what it has lost."""
        await self.begin()
        client = self.client()
        storm = await self.create("storm", "storm, green tea")
        await self.is_so(storm, "ok")
        await self.tcserver("backup", "backup.tar.gz")
        await self.ask("PATCH", f"jobs/{storm}/", keywords="rain, snow")
        await self.is_so(storm, "ok")
        await self.have_the_same_ledgers(client)
        await self.server_is_killed()
        await self.tcserver("restore", "backup.tar.gz", "--replace")
        await self.server_comes()
        await self.have_the_same_ledgers(client)
        await self.is_so(storm, "ok")
