"""
Real processes: started in a folder, read while they run, ended by their number within a bound.

Knows commands, signals and pid files; knows nothing of captures.
"""

import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList, DeferredSemaphore
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

ROOT = Path(__file__).parent.parent.parent
LIMIT = 60.0
"""Seconds that anything here is waited for; it takes less than two on an idle machine."""
_PAUSE = 0.02


def python(*arguments: str) -> list[str]:
    """A command for the interpreter that runs the tests."""
    return [sys.executable, *arguments]


def twistd(*arguments: str) -> list[str]:
    """
    The twistd that pip put beside the interpreter.  Where there is none (a distribution's Python,
    say) what that script does is done without it.
    """
    script = Path(sys.executable).with_name("twistd")
    if script.exists():
        return python(str(script), *arguments)
    start = "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
    return python("-c", start, *arguments)


def environment(**changes: str) -> dict[str, str]:
    """Ours, without what would change the client's settings, and good in any folder."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("TCC_", "SSL_CERT_"))}
    if "PYTHONPATH" in ours:
        places = ours["PYTHONPATH"].split(os.pathsep)
        ours["PYTHONPATH"] = os.pathsep.join(str(Path(place).absolute()) for place in places)
    return {**ours, **changes}


async def until(condition: Callable[[], object], what: str, limit: float = LIMIT) -> None:
    """Return once `condition` holds; raises AssertionError, with `what`, when it never does."""
    deadline = reactor.seconds() + limit
    while not condition():
        if reactor.seconds() > deadline:
            raise AssertionError(f"Not within {limit:g} s: {what}")
        await deferLater(reactor, _PAUSE)


async def together(acts: Iterable[Coroutine[Any, Any, None]], at_once: int = 3) -> None:
    """Do all of `acts`, some at a time; raises what the first that fails raises."""
    turns = DeferredSemaphore(at_once)
    begun = [turns.run(Deferred.fromCoroutine, act) for act in acts]
    for well, result in await DeferredList(begun, consumeErrors=True):
        if not well:
            result.raiseException()


def alive(pid: int) -> bool:
    """Whether it runs; one that has ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


@attrs.frozen
class Finished:
    """What a process that has ended leaves: its status, minus the signal's number if one did it."""

    out: str
    err: str
    status: int


class Running(ProcessProtocol):
    """A process of ours; its output so far is in `out` and `err`."""

    def __init__(self) -> None:
        self.pid = 0
        self.status: int | None = None
        self._out = self._err = b""

    @property
    def out(self) -> str:
        return self._out.decode()

    @property
    def err(self) -> str:
        return self._err.decode()

    def connectionMade(self) -> None:
        self.pid = self.transport.pid

    def outReceived(self, data: bytes) -> None:
        self._out += data

    def errReceived(self, data: bytes) -> None:
        self._err += data

    def processEnded(self, reason: Failure) -> None:
        ended = reason.value
        self.status = ended.exitCode if ended.signal is None else -ended.signal

    def check(self) -> None:
        """Raises AssertionError, with all it said, when it has ended."""
        if self.status is not None:
            raise AssertionError(f"It ended with {self.status}: {self.out}{self.err}")

    async def says(self, text: str, times: int = 1) -> None:
        """Return once it has printed `text` that often."""

        def said() -> bool:
            if self.out.count(text) >= times:
                return True
            self.check()
            return False

        await until(said, f"{text!r} printed")

    async def finished(self) -> Finished:
        """Return once it has ended and all it said is read."""
        await until(lambda: self.status is not None, f"the end of it; so far {self.out}{self.err}")
        assert self.status is not None
        return Finished(self.out, self.err, self.status)

    async def end(self, number: int = signal.SIGTERM) -> Finished:
        """Send a signal, and return once it has ended."""
        os.kill(self.pid, number)
        return await self.finished()

    async def _clean_up(self) -> None:
        if self.status is None:
            await self.end(signal.SIGKILL)


class Daemon:
    """A process that has put its number into a file and let go of its parent."""

    def __init__(self, pidfile: Path) -> None:
        self.pidfile = pidfile
        self.pid = int(pidfile.read_text())

    async def end(self, number: int = signal.SIGTERM) -> None:
        """Send a signal to the number in the file, and return once the process is gone."""
        os.kill(int(self.pidfile.read_text()), number)
        await self.gone()

    def check(self) -> None:
        """Raises AssertionError when it has ended."""
        if not alive(self.pid):
            raise AssertionError(f"Daemon {self.pid} ended; see the log in {self.pidfile.parent}")

    async def gone(self) -> None:
        """Return once the process has ended."""
        await until(lambda: not alive(self.pid), f"the end of daemon {self.pid}")


def start(test: TestCase, folder: Path, command: list[str], **environ: str) -> Running:
    """Start `command` in `folder`; it is killed at the end of the test, if nothing else ends it."""
    running = Running()
    reactor.spawnProcess(running, command[0], command, environment(**environ), str(folder))
    # Only now: a signal to the process that could not be started would go to pid 0, our own group.
    test.addCleanup(lambda: Deferred.fromCoroutine(running._clean_up()))
    return running


async def run(test: TestCase, folder: Path, command: list[str], **environ: str) -> Finished:
    """What is left of `command` when it has ended by itself."""
    return await start(test, folder, command, **environ).finished()


async def start_daemon(test: TestCase, folder: Path, command: list[str], **environ: str) -> Daemon:
    """`command` leaves a daemon behind, whose number is in tcc.pid, and complains of nothing."""
    pidfile = folder / "tcc.pid"

    async def clean_up() -> None:
        if pidfile.exists() and alive(Daemon(pidfile).pid):
            await Daemon(pidfile).end(signal.SIGKILL)

    test.addCleanup(lambda: Deferred.fromCoroutine(clean_up()))
    parent = await run(test, folder, command, **environ)
    test.assertEqual((parent.err, parent.status), ("", 0), parent)
    return Daemon(pidfile)
