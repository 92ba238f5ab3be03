"""The client is killed without warning, in the middle of things, and started again."""

import signal

from tcsandbox.server import quirks
from tests.e2e.processes import Running, start, twistd, until
from tests.e2e.stage import JOB, Stage


class CrashTests(Stage):
    def setUp(self) -> None:
        super().setUp()
        self.write_settings()

    def client(self) -> Running:
        """A client that has begun."""
        return start(self, self.folder, twistd("-n", "tcc", "--config", "settings.json"))

    async def test_kill_in_mid_stream(self) -> None:
        """
        Again and again: every post that was on disk stays there, none comes twice, and the
        numbers of the server are exact in the end.
        """
        self.twitter.set_rate(800.0)
        kept: list[int] = []
        for _ in range(4):
            client = self.client()
            await self.captured(len(kept) + 150, client)
            await client.end(signal.SIGKILL)
            ids = self.ids()
            self.assertEqual(ids[: len(kept)], kept)
            kept = ids
        client = self.client()
        await self.captured(len(kept) + 10, client)
        await client.end(signal.SIGTERM)
        self.assertEqual(self.ids()[: len(kept)], kept)
        self.assert_whole()

    async def test_a_torn_tail(self) -> None:
        """What a power cut leaves of a post is put beside the file, which keeps its whole lines."""
        client = self.client()
        await self.captured(10, client)
        await client.end(signal.SIGKILL)
        kept = self.ids()
        [tmp] = self.data.glob("*.tmp")
        torn = self.posts()[0][:1000]
        with tmp.open("ab") as file:
            file.write(torn)
        client = self.client()
        await self.captured(len(kept) + 10, client)
        await client.end(signal.SIGTERM)
        [beside] = self.data.glob("*.torn")
        self.assertEqual(beside.read_bytes(), torn)
        self.assertEqual(self.ids()[: len(kept)], kept)
        self.assertEqual([line["bytes"] for line in self.ledger("torn")], [1000])
        self.assert_whole()

    async def test_an_update_whose_answer_was_not_seen(self) -> None:
        """Stored by the server or not: each post is counted once."""
        for fault in (quirks.Silent, quirks.Delayed):
            options = {"processed": False} if fault is quirks.Silent else {"seconds": 60.0}
            client = self.client()
            await self.captured(len(self.posts()) + 10, client)
            self.server.fault(fault(method="POST", path="/api/update/", **options))
            await until(lambda: not self.server.pending_faults(), "an update that is not answered")
            await self.captured(len(self.posts()) + 10, client)
            await client.end(signal.SIGKILL)
        client = self.client()
        await self.captured(len(self.posts()) + 10, client)
        await client.end(signal.SIGTERM)
        self.assert_whole()

    async def test_the_folder_is_free_again(self) -> None:
        """A second client is kept out of a folder in use; after a kill it is let in."""
        first = self.client()
        await self.captured(5, first)
        second = start(
            self, self.folder, twistd("-n", "--pidfile", "", "tcc", "--config", "settings.json")
        )
        await second.says(f"runs already, as another process, below {self.data.parent}")
        await second.end(signal.SIGTERM)
        await first.end(signal.SIGKILL)
        third = self.client()
        await self.captured(len(self.posts()) + 5, third)
        await third.end(signal.SIGTERM)
        self.assert_whole()
        self.assertEqual(self.data.name, JOB)
