"""What a supervisor hears, on a real datagram socket."""

import os
from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.supervisor import Supervisor
from tests.notified import Notified


class Reactor(Clock):
    """A reactor that turns when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.starts: list[Callable[[], None]] = []
        self.triggers: list[tuple[object, ...]] = []

    def callWhenRunning(self, call: Callable[[], None]) -> None:
        self.starts.append(call)

    def addSystemEventTrigger(self, *trigger: object) -> None:
        self.triggers.append(trigger)

    def begin(self) -> None:
        """It turns."""
        for call in self.starts:
            call()

    def end(self) -> None:
        """It is about to end."""
        for phase, event, call, *arguments in self.triggers:
            assert (phase, event) == ("before", "shutdown") and callable(call)
            call(*arguments)


class SupervisorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.notified = Notified(self)
        self.reactor = Reactor()

    def supervisor(self, **environ: str) -> Supervisor:
        """One that listens to a process with this environment."""
        return Supervisor({"NOTIFY_SOCKET": self.notified.address, **environ}, self.reactor)

    def test_a_life(self) -> None:
        """Ready when the reactor turns, not before; a status; that it ends."""
        self.notified.bind()
        supervisor = self.supervisor()
        supervisor.startService()
        self.assertEqual(self.notified.heard(), [])
        self.reactor.begin()
        self.assertEqual(self.notified.heard(), ["READY=1"])
        supervisor.status("TCC OK - all is well")
        self.assertEqual(self.notified.heard(), ["STATUS=TCC OK - all is well"])
        self.reactor.end()
        self.assertEqual(self.notified.heard(), ["STOPPING=1"])
        supervisor.stopService()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_an_abstract_socket(self) -> None:
        """Its name begins with @."""
        name = f"@tcc-{os.getpid()}"
        self.notified.bind(f"\0{name[1:]}")
        supervisor = self.supervisor(NOTIFY_SOCKET=name)
        supervisor.status("words")
        self.assertEqual(self.notified.heard(), ["STATUS=words"])
        supervisor.stopService()

    def test_a_status_is_no_command(self) -> None:
        """A newline in the name of a job cannot say that the process stops; and it has a bound."""
        self.notified.bind()
        supervisor = self.supervisor()
        supervisor.status("one\nSTOPPING=1\rtwo\0three " + "x" * 5000)
        [heard] = self.notified.heard()
        self.assertTrue(heard.startswith("STATUS=one STOPPING=1 two three xxx"), heard[:60])
        self.assertEqual(len(heard), len("STATUS=") + 1000)
        supervisor.stopService()

    def test_the_watchdog(self) -> None:
        """Twice in the time, for as long as the reactor turns."""
        self.notified.bind()
        supervisor = self.supervisor(WATCHDOG_USEC="60000000", WATCHDOG_PID=str(os.getpid()))
        supervisor.startService()
        self.reactor.begin()
        self.assertEqual(self.notified.heard(), ["READY=1", "WATCHDOG=1"])
        self.reactor.advance(29.9)
        self.assertEqual(self.notified.heard(), [])
        self.reactor.advance(0.1)
        self.assertEqual(self.notified.heard(), ["WATCHDOG=1"])
        supervisor.stopService()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_another_process_is_watched(self) -> None:
        """Then, and where the time makes no sense, it is not told."""
        self.notified.bind()
        for environ in (
            {"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"},
            {"WATCHDOG_USEC": "soon"},
            {"WATCHDOG_USEC": "0"},
        ):
            supervisor = self.supervisor(**environ)
            supervisor.startService()
            self.reactor.begin()
            supervisor.stopService()
            self.reactor.starts.clear()
            self.assertEqual(self.notified.heard(), ["READY=1"])

    def test_nobody_listens(self) -> None:
        """No supervisor, one that has gone, and one that reads nothing are not waited for."""
        for environ in ({}, {"NOTIFY_SOCKET": self.notified.address}):
            Supervisor(environ, self.reactor).status("words")
        self.notified.bind()
        supervisor = self.supervisor()
        for _ in range(10_000):
            supervisor.status("x" * 900)
        self.assertLess(len(self.notified.heard()), 10_000)
