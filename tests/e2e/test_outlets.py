"""What the log goes to hangs, fails or is moved away, under a client that captures."""

import contextlib
import os
import pty
import signal
import socket
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tcsandbox.server import quirks
from tests.e2e.processes import LIMIT, Running, environment, python, start, twistd, until
from tests.e2e.stage import Stage
from tests.faults import private

ARGUMENTS = ("tcc", "--config", "settings.json")
UNSIGNALLED = """
import logging, sys
from twisted.internet import reactor
from tcclient.logs.outlets import Outlets
from tcclient.logs.sink import Sink
sink = Sink("stdout", logging.StreamHandler(sys.stdout))
outlets = Outlets([sink], reactor)
outlets.startService()
sink.handle(logging.makeLogRecord({"msg": "words", "levelno": logging.INFO}))
"""
XOFF, XON = b"\x13", b"\x11"


def section(**handlers: dict[str, Any]) -> dict[str, Any]:
    """A section with these handlers, which get every line."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": handlers,
        "root": {"level": "DEBUG", "handlers": [*handlers]},
    }


def file(name: str = "all.log", kind: str = "FileHandler", **more: Any) -> dict[str, Any]:
    """A handler for a file."""
    place = "logging" if kind == "FileHandler" else "logging.handlers"
    return {"class": f"{place}.{kind}", "filename": name, **more}


class OutletCase(Stage):
    """A client whose log goes somewhere."""

    def client(self, *arguments: str, **fds: int) -> Running:
        """A client in the foreground, with descriptors of ours as `out` and `err`, if given."""
        if not fds:
            return start(self, self.folder, twistd("-n", *arguments, *ARGUMENTS))
        running = Running()
        command = twistd("-n", *arguments, *ARGUMENTS)
        null = os.open(os.devnull, os.O_RDWR)
        try:
            reactor.spawnProcess(
                running,
                command[0],
                command,
                environment(),
                str(self.folder),
                childFDs={0: null, 1: fds.get("out", null), 2: fds.get("err", null)},
            )
        finally:
            os.close(null)
        self.addCleanup(lambda: Deferred.fromCoroutine(running._clean_up()))
        return running

    def closing(self, *fds: int) -> None:
        """Close these descriptors at the end of the test."""
        for fd in fds:
            self.addCleanup(os.close, fd)

    def full_pipe(self) -> int:
        """A descriptor of a pipe that nobody reads, and that takes nothing more."""
        end, out = os.pipe()
        self.closing(end, out)
        os.set_blocking(out, False)
        while fill(out):
            pass
        os.set_blocking(out, True)
        return out

    async def goes_on(self, client: Running) -> None:
        """Posts are stored, and the server hears of them."""
        before = self.total or 0
        await self.captured(len(self.posts()) + 20, client)
        await until(lambda: (self.total or 0) > before, "another report")

    async def ends(self, client: Running, number: int = signal.SIGTERM) -> None:
        """By the signal that twistd ends by, with finished files and a last report."""
        ended = await client.end(number)
        self.assertEqual(ended.status, -signal.SIGTERM)
        self.assertGreater(self.assert_whole(), 0)


class StuckTests(OutletCase):
    """Nobody takes lines: captures, polls and the end do not wait for them."""

    async def test_a_pipe_that_nobody_reads(self) -> None:
        """It is full before the first line."""
        out = self.full_pipe()
        self.write_settings()
        client = self.client(out=out, err=out)
        await self.goes_on(client)
        await self.ends(client)

    async def test_a_terminal_that_is_stopped(self) -> None:
        """Ctrl-S; no line is missing after Ctrl-Q."""
        ours, theirs = pty.openpty()
        self.closing(ours, theirs)
        os.set_blocking(ours, False)
        self.write_settings()
        os.write(ours, XOFF)
        client = self.client(out=theirs, err=theirs)
        await self.goes_on(client)
        self.assertEqual(read(ours), b"")
        os.write(ours, XON)
        said = b""

        def all_said() -> bool:
            nonlocal said
            said += read(ours)
            return b"is connected" in said

        await until(all_said, "what had been said meanwhile")
        self.assertIn(b"starting up", said)
        os.write(ours, XOFF)
        await self.ends(client)

    async def test_hosts_that_are_silent(self) -> None:
        """Each takes a connection and says nothing; the file has every line all the same."""
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        host, port = silent.getsockname()
        self.write_settings(
            logging=section(
                http={
                    "class": "logging.handlers.HTTPHandler",
                    "host": f"{host}:{port}",
                    "url": "/",
                },
                syslog={
                    "class": "logging.handlers.SysLogHandler",
                    "address": [host, port],
                    "socktype": "ext://socket.SOCK_STREAM",
                },
                smtp={
                    "class": "logging.handlers.SMTPHandler",
                    "mailhost": [host, port],
                    "fromaddr": "tcc@localhost",
                    "toaddrs": ["root@localhost"],
                    "subject": "log",
                    "timeout": 600,
                },
                file=file(),
            )
        )
        client = self.client()
        await self.goes_on(client)
        await self.ends(client)
        log = (self.folder / "all.log").read_text()
        for words in ("tcc 1.0.0 starts", "all files are finished", "Server Shut Down"):
            self.assertEqual(log.count(words), 1, log)

    async def test_a_pipe_whose_reader_has_gone(self) -> None:
        """As after `| head`: it says so elsewhere, once, and captures."""
        end, out = os.pipe()
        os.close(end)
        self.closing(out)
        errors = os.open(self.folder / "errors", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self.closing(errors)
        self.write_settings()
        client = self.client(out=out, err=errors)
        await self.goes_on(client)
        await self.ends(client)
        self.assertEqual(
            (self.folder / "errors").read_text(),
            "The log cannot be written to stdout: Broken pipe. It is tried with each line.\n",
        )

    async def test_an_end_that_no_signal_makes(self) -> None:
        """Python, which would wait for the handler and then abort, ends with a status."""
        out = self.full_pipe()
        running = Running()
        null = os.open(os.devnull, os.O_RDWR)
        self.closing(null)
        command = python("-c", UNSIGNALLED)
        reactor.spawnProcess(
            running, command[0], command, environment(), childFDs={0: null, 1: out, 2: "r"}
        )
        self.addCleanup(lambda: Deferred.fromCoroutine(running._clean_up()))
        ended = await running.finished()
        self.assertEqual((ended.err, ended.status), ("", 1))


class FullDiskTests(OutletCase):
    async def test_a_full_log_disk(self) -> None:
        """Captures go on; what is missing in the log is said when there is room, in whole lines."""
        private.needed()
        logs = self.folder / "logs"
        logs.mkdir()
        handlers = {"file": file("logs/all.log"), "out": {"class": "logging.StreamHandler"}}
        handlers["out"]["stream"] = "ext://sys.stdout"
        self.write_settings(
            logging=section(**handlers), server={"ping_interval": 0.1, "update_interval": 0.1}
        )
        mounts = private.with_mounts(f"-t tmpfs -o size=64k tmpfs {logs}")
        command = twistd("-n", "--logfile", "logs/tcc.log", *ARGUMENTS)
        client = start(self, self.folder, [*mounts, *command])
        await self.captured(20, client)
        inside = private.seen_by(client.pid, logs)
        with contextlib.suppress(OSError), (inside / "rest").open("wb", 0) as rest:
            while rest.write(b"x" * 100):
                pass
        for name in ("handler 'file'", "logs/tcc.log"):
            await self.changes(client, f"to {name}: No space left on device. It is tried with each")
        await self.goes_on(client)
        (inside / "rest").unlink()
        await self.changes(client, "did not get to handler 'file': No space left on device.")
        await self.changes(client, "did not get to logs/tcc.log: No space left on device.")
        texts = [(inside / name).read_text() for name in ("all.log", "tcc.log")]
        for text in texts:
            self.assertIn("tcc 1.0.0 starts", text)
            self.assertIn("did not get to", text)
            self.assertTrue(text.endswith("\n"))
        await self.ends(client)

    async def changes(self, client: Running, until_said: str) -> None:
        """Keywords are changed, which the client logs, until it says something else."""
        deadline = reactor.seconds() + LIMIT
        while until_said not in client.out:
            client.check()
            self.assertLess(reactor.seconds(), deadline, client.out)
            self.job.keywords = f"storm, green tea, {len(self.posts())}"
            await deferLater(reactor, 0.2)


class SignalTests(OutletCase):
    async def test_a_hang_up_of_the_terminal(self) -> None:
        """A closed ssh session is an orderly end."""
        self.write_settings()
        running = Running()
        command = twistd("-n", "--logfile", "tcc.log", *ARGUMENTS)
        terminal = reactor.spawnProcess(
            running, command[0], command, environment(), str(self.folder), usePTY=True
        )
        self.addCleanup(lambda: Deferred.fromCoroutine(running._clean_up()))
        await self.captured(20, running)
        terminal.loseConnection()
        ended = await running.finished()
        self.assertEqual(ended.status, -signal.SIGTERM)
        self.assert_whole()
        self.assertEqual((self.folder / "tcc.log").read_text().count("Received SIGHUP"), 1)

    async def test_a_hang_up_that_is_ignored(self) -> None:
        """With nohup it captures on."""
        self.write_settings()
        client = start(self, self.folder, ["nohup", *twistd("-n", *ARGUMENTS)])
        await self.captured(20, client)
        os.kill(client.pid, signal.SIGHUP)
        await self.goes_on(client)
        await self.ends(client)

    async def test_quit(self) -> None:
        """Ctrl-\\ ends it in order."""
        self.write_settings()
        client = self.client()
        await self.captured(20, client)
        await self.ends(client, signal.SIGQUIT)

    async def test_impatience(self) -> None:
        """A second signal, while a silent server is waited for, makes neither haste nor noise."""
        self.write_settings()
        client = self.client()
        await self.captured(20, client)
        self.server.fault(quirks.Delayed(seconds=0.7, times=None))
        for times, number in enumerate(
            (signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT), 1
        ):
            os.kill(client.pid, number)
            await client.says("Received SIG", times)
        ended = await client.finished()
        self.assertNotIn("Traceback", ended.out)
        self.assertEqual(ended.out.count("it ends already"), 3)
        self.assertEqual(ended.status, -signal.SIGTERM)
        self.assert_whole()

    async def test_no_signal_for_logs_kills(self) -> None:
        """SIGUSR1, SIGUSR2 and SIGHUP, with and without a section, with and without a file."""
        for given in (), ("--logfile", "tcc.log"):
            for logging in (None, section(file=file())):
                self.write_settings(logging=logging)
                client = self.client(*given)
                await self.captured(len(self.posts()) + 20, client)
                for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):
                    os.kill(client.pid, number)
                await self.goes_on(client)
                await self.ends(client)


class RotationTests(OutletCase):
    """twistd's own file, and each file of a section, rotated as people do it."""

    async def rotating(self) -> tuple[Running, list[Path]]:
        """A client that has captured, and its log files."""
        handlers = {
            "plain": file("plain.log"),
            "written": file("written.log", mode="w"),
            "sized": file("sized.log", "RotatingFileHandler", maxBytes=10**9, backupCount=3),
            "timed": file("timed.log", "TimedRotatingFileHandler", when="D"),
            "watched": file("watched.log", "WatchedFileHandler"),
        }
        self.write_settings(logging=section(**handlers))
        client = self.client("--logfile", "twistds.log")
        await self.captured(20, client)
        names = [*handlers.values(), {"filename": "twistds.log"}]
        return client, [self.folder / one["filename"] for one in names]

    async def says_more(self, client: Running) -> None:
        """The client logs something: that its job's keywords are others."""
        self.job.keywords = f"storm, green tea, {len(self.posts())}"
        await self.goes_on(client)

    async def moved(self, number: int | None) -> None:
        """Lines go to a file of the old name after `mv`, and a signal if there is one."""
        client, logs = await self.rotating()
        for log in logs:
            log.rename(log.with_suffix(".old"))
        if number is not None:
            os.kill(client.pid, number)
        await self.says_more(client)
        await until(lambda: all(log.exists() for log in logs), "new files")
        sizes = [log.with_suffix(".old").stat().st_size for log in logs]
        await self.ends(client)
        for log, size in zip(logs, sizes, strict=True):
            old = log.with_suffix(".old")
            self.assertEqual(old.stat().st_size, size, log)
            self.assertIn("tcc 1.0.0 starts", old.read_text())
            self.assertIn("files are finished", log.read_text())
            self.assertNotIn("tcc 1.0.0 starts", log.read_text())

    async def test_moved(self) -> None:
        """mv alone."""
        await self.moved(None)

    async def test_moved_and_hung_up(self) -> None:
        """mv, and SIGHUP."""
        await self.moved(signal.SIGHUP)

    async def test_moved_and_told(self) -> None:
        """mv, and twistd's own signal."""
        await self.moved(signal.SIGUSR1)

    async def test_twistds_own_signal(self) -> None:
        """SIGUSR1 without mv has twistd's file and sized ones go on in another."""
        client, _ = await self.rotating()
        os.kill(client.pid, signal.SIGUSR1)
        await self.says_more(client)
        await self.ends(client)
        for name in ("twistds.log", "sized.log"):
            old = (self.folder / f"{name}.1").read_text()
            self.assertIn("tcc 1.0.0 starts", old)
            self.assertNotIn("tcc 1.0.0 starts", (self.folder / name).read_text())
        self.assertIn("tcc 1.0.0 starts", (self.folder / "plain.log").read_text())

    async def test_copied_and_cut(self) -> None:
        """With copytruncate there is no hole in a file."""
        client, logs = await self.rotating()
        for log in logs:
            os.truncate(log, 0)
        await self.says_more(client)
        await self.ends(client)
        for log in logs:
            written = log.read_bytes()
            self.assertIn(b"files are finished", written, log)
            self.assertNotIn(b"\0", written, log)


def fill(fd: int) -> bool:
    """Write to a pipe; return whether it took something."""
    try:
        return bool(os.write(fd, b"x"))
    except BlockingIOError:
        return False


def read(fd: int) -> bytes:
    """Return what can be read at once."""
    try:
        return os.read(fd, 1 << 16)
    except BlockingIOError:
        return b""
