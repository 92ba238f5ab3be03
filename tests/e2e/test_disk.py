"""The disk takes nothing for a while, under a client that captures."""

import resource
import shutil
import signal

from tests.e2e.processes import Running, python, start, until
from tests.e2e.stage import Stage
from tests.faults import baddisk


class DiskTests(Stage):
    def setUp(self) -> None:
        super().setUp()
        self.write_settings()
        self.twitter.set_rate(400.0)

    def client(self) -> Running:
        """A client that has begun, on a disk that refuses when it has the order to."""
        self.order = self.folder / "refuse"
        arguments = ("-n", "tcc", "--config", "settings.json")
        return start(self, self.folder, python(baddisk.__file__, str(self.order), *arguments))

    async def fill(self, client: Running, times: int = 1) -> None:
        """Returns when the client has noticed, so often by now, that its disk is full."""
        draft = self.order.with_suffix(".draft")
        draft.write_text("ENOSPC")
        draft.rename(self.order)
        await client.says("No space left on device. Nothing more is read", times)

    async def test_a_full_disk(self) -> None:
        """Not one of the posts is missing that were sent until the client was stopped."""
        client = self.client()
        for times in (1, 2):
            await self.captured(len(self.posts()) + 100, client)
            await self.fill(client, times)
            stored, sent = len(self.posts()), len(self.sent.ids)
            await until(lambda sent=sent: len(self.sent.ids) > sent + 200, "more posts")
            # Half of what is tried again and again stands there for a moment.
            await until(
                lambda stored=stored: len(self.posts()) <= stored, "no posts that are not stored"
            )
            self.order.unlink()
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
        self.order.unlink()
        await until(lambda: self.job.status == 5, "the capture's end")
        await client.end(signal.SIGTERM)
        number = self.assert_whole()
        self.assertEqual(self.ids(), self.sent.ids[:number])

    async def test_a_limit_of_the_size_of_files(self) -> None:
        """The next file takes what does not fit: nothing is missing, and nobody notices."""
        client = self.client()
        await self.captured(100, client)
        [tmp] = self.data.glob("*.tmp")
        limit = tmp.stat().st_size + 100_000
        resource.prlimit(client.pid, resource.RLIMIT_FSIZE, (limit, limit))
        await until(lambda: len(list(self.data.glob("*.json"))) > 3, "more files")
        await client.end(signal.SIGTERM)
        number = self.assert_whole()
        self.assertEqual(self.ids(), self.sent.ids[:number])
        self.assertEqual(self.ledger("disk_trouble"), [])

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
