"""
All that the log goes to: begun when the process is what it will be, and ended in time.

Knows signals and the end of the process; does not know where lines come from.
"""

import atexit
import logging
import os
import signal
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from twisted.application.service import Service
from twisted.logger import Logger

from tcclient.logs.logfiles import let_go, rotate
from tcclient.logs.sink import Sink
from tcclient.runtime.earlysignals import has_terminal

log = Logger()

PARTING = 1.5
"""Seconds that what waits may take when the process ends, whatever takes it."""


class Outlets(Service):
    """
    The `sinks` of the log.  Their threads begin with the service, since a daemon forks before, and
    write until the process ends.
    """

    def __init__(self, sinks: Sequence[Sink], reactor: Any) -> None:
        self._sinks = sinks
        self._reactor = reactor
        self._is_over = False
        # Its own way waits for as long as a handler does that hangs.
        atexit.unregister(logging.shutdown)
        atexit.register(self._leave)

    @property
    def missing(self) -> int:
        """How many lines found no room, or failed, that nothing was said of yet."""
        return sum(sink.missing for sink in self._sinks)

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        for sink in self._sinks:
            sink.begin()
        self._reactor.addSystemEventTrigger("after", "shutdown", self._end)
        signals = Signals(self._reopen, self._rotate)
        signals.catch()
        self._reactor.callWhenRunning(signals.end_once)

    def _reopen(self) -> None:
        for sink in self._sinks:
            sink.call(let_go)

    def _rotate(self) -> None:
        for sink in self._sinks:
            sink.call(rotate)

    def _end(self) -> bool:
        """
        Write what waits; what is said from now on is written at once.  Return whether all could be.
        """
        self._is_over = True
        deadline = self._reactor.seconds() + PARTING
        for sink in self._sinks:
            sink.end()
        written = [sink.wait(max(0.0, deadline - self._reactor.seconds())) for sink in self._sinks]
        return all(written)

    def _leave(self) -> None:
        """
        End the process where no signal does.  A thread that hangs in a write would hold up, and
        then break, what Python does with its output after this.
        """
        status = 0 if self._is_over else 1
        if not self._end():
            os._exit(status)


class Signals:
    """
    What the signals do that Twisted leaves alone: SIGHUP has log files opened anew, but of a
    process with a terminal ends it, since that is gone; SIGUSR1 begins new log files; SIGUSR2 is
    no more than said; SIGQUIT ends the process.  It ends as by SIGTERM, and a signal that was
    ignored before, as by nohup, does not end it.
    """

    def __init__(self, reopen: Callable[[], None], rotate: Callable[[], None]) -> None:
        self._reopen = reopen
        self._rotate = rotate
        self._ends = False

    def catch(self) -> None:
        """Catch them from now on."""
        is_hung_up = has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
        signal.signal(signal.SIGHUP, self._stop if is_hung_up else lambda *_: self._reopen())
        signal.signal(signal.SIGUSR1, lambda *_: self._rotate())
        signal.signal(signal.SIGUSR2, _ignored)
        if signal.getsignal(signal.SIGQUIT) is not signal.SIG_IGN:
            signal.signal(signal.SIGQUIT, self._stop)

    def end_once(self) -> None:
        """Have the reactor, which handles its own signals, hear of the first that ends it only."""
        for number in (signal.SIGTERM, signal.SIGINT):
            reactors = signal.getsignal(number)
            if callable(reactors):
                signal.signal(number, partial(self._end, reactors))

    def _end(self, reactors: Callable[[int, Any], Any], number: int, frame: Any) -> None:
        if self._ends:
            log.info("Received {name}: it ends already.", name=signal.Signals(number).name)
        else:
            self._ends = True
            reactors(number, frame)

    def _stop(self, number: int, frame: Any) -> None:
        """End in order; of a terminal that goes both it and its shell send a SIGHUP."""
        self._end(self._terminate, number, frame)

    def _terminate(self, number: int, _frame: Any) -> None:
        log.info("Received {name}: it ends.", name=signal.Signals(number).name)
        self._ends = False  # it is SIGTERM that ends it
        signal.raise_signal(signal.SIGTERM)


def _ignored(number: int, _frame: Any) -> None:
    log.info("Received {name}: it means nothing to tcc.", name=signal.Signals(number).name)
