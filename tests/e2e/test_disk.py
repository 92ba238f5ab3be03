"""The disk takes nothing for a while, under a client that captures."""

import resource
import shutil
import signal

from tests.e2e.processes import Running, start, twistd, until
from tests.e2e.stage import Stage


class DiskTests(Stage):
    def setUp(self) -> None:
        super().setUp()
        self.write_settings()
        self.twitter.set_rate(400.0)

    def client(self) -> Running:
        """A client that has begun."""
        return start(self, self.folder, twistd("-n", "tcc", "--config", "settings.json"))

    def limit(self, client: Running, size: int) -> None:
        """No file of the client's grows beyond that from now on."""
        _, hard = resource.prlimit(client.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(client.pid, resource.RLIMIT_FSIZE, (size, hard))

    async def fill(self, client: Running) -> None:
        """Returns when the client has noticed that its file cannot grow."""
        [tmp] = self.data.glob("*.tmp")
        before = len(self.ledger("disk_trouble"))
        self.limit(client, tmp.stat().st_size + 10_000)
        await until(lambda: len(self.ledger("disk_trouble")) > before, "trouble in the ledger")

    async def test_a_full_disk(self) -> None:
        """Not one of the posts is missing that were sent until the client was stopped."""
        client = self.client()
        for _ in range(2):
            await self.captured(len(self.posts()) + 100, client)
            await self.fill(client)
            stored, sent = len(self.posts()), len(self.sent.ids)
            await until(lambda sent=sent: len(self.sent.ids) > sent + 200, "more posts")
            self.assertEqual(len(self.posts()), stored)
            self.limit(client, resource.RLIM_INFINITY)
            await self.captured(sent + 200, client)
        await client.end(signal.SIGTERM)
        number = self.assert_whole()
        self.assertEqual(self.ids(), self.sent.ids[:number])
        self.assertEqual(len(self.ledger("disk_recovered")), 2)
        self.assertEqual([gap["cause"] for gap in self.ledger("gap")], ["start"])

    async def test_a_stop_while_the_disk_is_full(self) -> None:
        """It is waited for; what had been read is stored and counted when there is room."""
        client = self.client()
        await self.captured(100, client)
        await self.fill(client)
        self.job.status = 4
        await until(lambda: not self.twitter.state()["streams"], "the end of the stream")
        self.assertEqual(len(self.ledger("capture_stop")), 0)
        self.limit(client, resource.RLIM_INFINITY)
        await until(lambda: self.job.status == 5, "the capture's end")
        await client.end(signal.SIGTERM)
        number = self.assert_whole()
        self.assertEqual(self.ids(), self.sent.ids[:number])

    async def test_a_folder_that_is_removed(self) -> None:
        """The capture goes on in a new one, and its ledger says what went with the old one."""
        client = self.client()
        await self.captured(100, client)
        shutil.rmtree(self.data)
        await until(lambda: self.data.exists() and self.ledger("not_stored"), "a new ledger")
        await self.captured(100, client)
        await client.end(signal.SIGTERM)
        [lost] = self.ledger("not_stored")
        self.assertEqual(self.ids(), self.sent.ids[lost["posts"] :][: len(self.ids())])
        self.assertEqual(self.total, lost["posts"] + len(self.ids()))
