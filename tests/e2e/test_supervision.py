"""The client under a supervisor."""

import os
import signal
from pathlib import Path

from tests.e2e.processes import start, twistd, until
from tests.e2e.stage import Stage
from tests.notified import Notified

ARGUMENTS = ("-n", "--pidfile=", "tcc", "--config", "settings.json")


class SupervisedTests(Stage):
    def setUp(self) -> None:
        super().setUp()
        self.notified = Notified(self)
        self.notified.bind()
        self.heard: list[str] = []

    def listen(self) -> list[str]:
        """All that has been heard so far."""
        self.heard += self.notified.heard()
        return self.heard

    async def test_a_life(self) -> None:
        """It is ready, tells its health, is alive while it turns, and says that it stops."""
        self.write_settings()
        environ = {"NOTIFY_SOCKET": self.notified.address, "WATCHDOG_USEC": "200000"}
        client = start(self, self.folder, twistd(*ARGUMENTS), **environ)
        await until(lambda: "READY=1" in self.listen(), "READY=1")
        self.assertEqual(self.heard[0], "READY=1")
        await self.captured(20, client)
        healthy = "STATUS=TCC OK - Posts of 1 capture come and are stored. | captures=1 "
        await until(lambda: any(line.startswith(healthy) for line in self.listen()), healthy)
        os.kill(client.pid, signal.SIGSTOP)
        await until(lambda: Path(f"/proc/{client.pid}/stat").read_text().split()[2] == "T", "T")
        self.listen().clear()
        os.kill(client.pid, signal.SIGCONT)
        await until(lambda: "WATCHDOG=1" in self.listen(), "a sign of life")
        ended = await client.end()
        self.assertEqual(ended.status, -signal.SIGTERM)
        self.assertIn("STOPPING=1", self.listen())
        self.assert_whole()

    async def test_settings_that_do_not_hold(self) -> None:
        """It is never ready."""
        self.write_settings(output={"minute_interval": 0})
        client = start(self, self.folder, twistd(*ARGUMENTS), NOTIFY_SOCKET=self.notified.address)
        self.assertEqual((await client.finished()).status, 1)
        self.assertEqual(self.listen(), [])
