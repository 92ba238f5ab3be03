"""The client in each form in which it can be started: a whole life, twice."""

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.e2e.processes import (
    ROOT,
    Daemon,
    Finished,
    Running,
    run,
    start,
    start_daemon,
    twistd,
)
from tests.e2e.stage import Stage

TAC = str(ROOT / "tcc.tac")
DAEMON = ("--umask", "022", "--pidfile", "tcc.pid", "--logfile", "tcc.log")


def umask() -> int:
    """That of this process, which others inherit."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


class FormsTests(Stage):
    def setUp(self) -> None:
        super().setUp()
        self.write_settings()

    async def live(self, begin: Callable[[], Awaitable[Running | Daemon]]) -> None:
        """
        SIGTERM finishes the files and leaves the job to be resumed; a restart continues the total;
        SIGINT ends it just so.
        """
        before = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            client = await begin()
            await self.captured(before + 20, client)
            await client.end(number)
            total = self.assert_whole()
            self.assertGreaterEqual(total, before + 20)
            self.assertEqual(self.job.status, 3)
            before = total
        self.assertEqual(len(list(self.folder.glob("*.pid"))), 0)

    async def foreground(self, *arguments: str, **environ: str) -> Running:
        return start(self, self.folder, twistd(*arguments), **environ)

    async def daemon(self, *arguments: str, **environ: str) -> Daemon:
        return await start_daemon(self, self.folder, twistd(*arguments), **environ)

    async def test_plugin(self) -> None:
        """twistd -n tcc --config settings.json"""
        await self.live(lambda: self.foreground("-n", "tcc", "--config", "settings.json"))
        self.assert_modes(umask())

    async def test_daemonised_plugin(self) -> None:
        """With the options that the README gives: others may read what was captured."""
        await self.live(lambda: self.daemon(*DAEMON, "tcc", "--config", "settings.json"))
        self.assert_modes(0o022)
        self.assert_modes(0o022, self.folder / "tcc.log")

    async def test_daemonised_plugin_without_umask(self) -> None:
        """twistd keeps everything from others then."""
        client = await self.daemon("--pidfile", "tcc.pid", "tcc", "--config", "settings.json")
        await self.captured(5, client)
        await client.end()
        self.assert_whole()
        self.assert_modes(0o077)

    async def test_tac(self) -> None:
        """twistd -ny tcc.tac, with the settings that TCC_CONFIG names."""
        (self.folder / "elsewhere").mkdir()
        self.write_settings(output={"base_dir": "../data"})
        self.path.rename(self.folder / "elsewhere" / "mine.json")
        await self.live(lambda: self.foreground("-ny", TAC, TCC_CONFIG="elsewhere/mine.json"))

    async def test_daemonised_tac(self) -> None:
        """Without TCC_CONFIG settings.json is read."""
        await self.live(lambda: self.daemon(*DAEMON, "-y", TAC))
        self.assert_modes(0o022)

    async def test_the_daemon_is_stopped_by_its_pid_file(self) -> None:
        """kill $(cat tcc.pid), as the README says; pid file and process are gone then."""
        client = await self.daemon(*DAEMON, "tcc", "--config", "settings.json")
        await self.captured(5, client)
        killed = await run(self, self.folder, ["/bin/sh", "-c", "kill $(cat tcc.pid)"])
        self.assertEqual(killed, Finished("", "", 0))
        await client.gone()
        self.assert_whole()
        self.assertFalse(client.pidfile.exists())
        self.assertIn("all files are finished", (self.folder / "tcc.log").read_text())

    def assert_modes(self, mask: int, *paths: Path) -> None:
        """Of `paths`, or of all that was captured."""
        data = self.folder / "data"
        for path in paths or (data, *data.rglob("*")):
            most = 0o777 if path.is_dir() else 0o666
            self.assertEqual(oct(path.stat().st_mode & 0o777), oct(most & ~mask), path)


class PidFileFormsTests(Stage):
    """A pid file that outlived its process keeps no client down, and one that did not does."""

    def client(self, *arguments: str) -> Running:
        """A client with a pid file of the name that twistd gives it."""
        return start(self, self.folder, twistd("-n", *arguments, "tcc", "-c", "settings.json"))

    async def test_after_a_power_cut(self) -> None:
        """Its number is another program's by then, or it is empty: the start says so."""
        self.write_settings()
        pidfile = self.folder / "twistd.pid"
        for text, why in (
            (str(os.getppid()), f"process {os.getppid()} is another program"),
            ("", "it is empty"),
        ):
            pidfile.write_text(text)
            client = self.client()
            await self.captured(len(self.posts()) + 5, client)
            self.assertEqual(pidfile.read_text(), str(client.pid))
            ended = await client.end()
            self.assertEqual(ended.err, f"The pid file twistd.pid is removed: {why}.\n")
            self.assertFalse(pidfile.exists())

    async def test_while_it_runs(self) -> None:
        """A second one with the same pid file does not start, and the first one goes on."""
        self.write_settings()
        first = self.client()
        await self.captured(5, first)
        second = await self.client().finished()
        self.assertIn("Another twistd server is running", second.err)
        self.assertEqual(second.status, 1)
        await self.captured(len(self.posts()) + 5, first)
        await first.end()
