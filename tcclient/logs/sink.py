"""
Has a handler of the standard library write in a thread of its own, so that nobody waits for it.

Knows how many lines may wait, and how many are missing; does not know what they say.
"""

import copy
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue

from twisted.logger import Logger

from tcclient.ledger.wording import number
from tcclient.logs.logfiles import chain, follow, have_appended, take_back
from tcclient.runtime.failures import explain_os, one_line
from tcclient.runtime.plaintext import visible

log = Logger()

MOST_LINES = 10_000
"""So many lines may wait: those of a start with some thousand captures."""

MOST_TEXT = 16 << 20
"""Characters of the lines that may wait."""

LAST = 0.4
"""Seconds that a line may take which is said when the process has all but ended."""

_NO_ROOM = "it took none, and there was no room for more that wait"
_FAILS = "The log cannot be written to {name}: {reason}. It is tried with each line."

_FORMATTER = logging.Formatter()

_thread = threading.local()
"""`own` in the thread of a sink; `busy` while it handles a line, for what its handler then says."""


class LoggingError(ValueError):
    """
    Raised where a log cannot go to where settings or options have it go.  str() is a sentence that
    begins with the place in the settings, or with the option.
    """


class Sink(logging.Handler):
    """
    Stands in for a `handler` called `name`, which gets each record in a thread, once that is begun.

    A record that finds no room is dropped.  When a handler begins to fail, and how many lines are
    missing when lines are written again, is logged once.
    """

    def __init__(self, name: str, handler: logging.Handler, most: int = MOST_LINES) -> None:
        super().__init__(handler.level)
        self.name = name
        self._handler = handler
        self._most = most
        # A signal whose handler logs may interrupt its put(), and what holds an RLock.
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._change = threading.Condition(threading.RLock())
        self._lines = self._text = self._dropped = self._failed = 0
        self._works = True
        self._reason, self._news = "", False
        self._is_ending = self._is_given_up = False
        self._is_begun = False
        self._chain = [*chain(handler)]
        for one in self._chain:
            one.handleError = self._fail  # type: ignore[assignment,method-assign]  # its hook
            have_appended(one)

    @property
    def missing(self) -> int:
        """How many lines are missing that nothing was said of yet."""
        return self._dropped + self._failed

    def begin(self) -> None:
        """Have lines written, also those that wait; in a daemon not before it has forked."""
        if not self._is_begun:
            self._is_begun = True
            threading.Thread(target=self._work, name=f"log {self.name}", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Have a record written; after end(), return when it is, or LAST seconds later."""
        if getattr(_thread, "busy", False):
            return
        line = _plain(record)
        size = len(str(line.msg))
        with self._change:
            # When it was full, half of it has to be free again: one gap, of which one line tells.
            most = self._most // 2 if self._dropped else self._most
            if self._lines >= most or (self._text + size > MOST_TEXT and self._lines):
                self._dropped += 1
                return
            self._lines += 1
            self._text += size
            self._queue.put(lambda: self._write(line, size))
            if self._is_ending and not self._is_given_up and not hasattr(_thread, "own"):
                self.wait(LAST)

    def call(self, act: Callable[[logging.Handler], None]) -> None:
        """Have `act` called with the handler, in the thread, after what waits now."""

        def guarded() -> None:
            with self._guarded():
                for one in self._chain:
                    act(one)

        self._queue.put(guarded)

    def end(self) -> None:
        """Have each line written before emit() returns from now on, and nothing kept back."""
        self.begin()
        with self._change:
            self._is_ending = True
            self._lines += 1
            self._queue.put(lambda: self._done(0))

    def wait(self, seconds: float) -> bool:
        """
        Return whether all is written, when it is or after so long; if it is not, no line is waited
        for again.
        """
        with self._change:
            self._is_given_up = not self._change.wait_for(lambda: not self._lines, seconds)
            return not self._is_given_up

    def _work(self) -> None:
        """Do what is in the queue, for as long as the process lasts."""
        _thread.own = True
        while True:
            act = self._queue.get()
            _thread.busy = True
            act()
            _thread.busy = False
            self._tell()

    def _write(self, line: logging.LogRecord, size: int) -> None:
        """Have the handler write a line, to the file that has the name of its file now."""
        failed = self._failed
        with self._guarded():
            for one in self._chain:
                follow(one)
            self._handler.handle(line)
        self._works = self._failed == failed
        self._done(size)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception:  # a handler may raise whatever it likes
            self._fail(None)

    def _fail(self, _line: logging.LogRecord | None) -> None:
        """Count a line that the handler has failed at, and remember why."""
        error = sys.exc_info()[1]
        self._failed += 1
        for one in self._chain:
            take_back(one)
        if not self._reason:
            text = explain_os(error) if isinstance(error, OSError) else one_line(repr(error))[:300]
            self._reason = text
            self._news = True

    def _done(self, size: int) -> None:
        """Count a line as done; when the process ends, so is what a handler has kept back."""
        if self._is_ending:
            with suppress(Exception):  # it is the last that is asked of it
                self._handler.flush()
        with self._change:
            self._lines -= 1
            self._text -= size
            self._change.notify_all()

    def _tell(self) -> None:
        """Log that the handler has begun to fail, or what is missing when it works again."""
        if self._news:
            self._news = False
            log.error(_FAILS, name=self.name, reason=self._reason)
            _print_aside(_FAILS.format(name=self.name, reason=self._reason))
        elif self._works and self.missing and self._lines <= self._most // 2:
            with self._change:
                count, self._dropped, self._failed = self.missing, 0, 0
            why, self._reason = self._reason or _NO_ROOM, ""
            log.error(
                "{lines} of the log did not get to {name}: {why}.",
                lines=number(count, "line"),
                name=self.name,
                why=why,
            )


def _plain(record: logging.LogRecord) -> logging.LogRecord:
    """
    Return a copy of a record, since formatters write into one and each thread has its own, without
    anything in text or traceback that a terminal would obey: names and answers of others are there.
    """
    line = copy.copy(record)
    with suppress(Exception):  # else its handler fails at it, which is said
        line.msg, line.args = visible(record.getMessage()), None
    if line.exc_info and not line.exc_text:
        told = _FORMATTER.formatException(line.exc_info)
        shown = visible(told)
        if shown != told:  # otherwise the handler's own formatter may have it
            line.exc_text = shown
    return line


def _print_aside(text: str) -> None:
    """Print to the process's own stderr, if that can be: this may be the only log that there is."""
    if sys.__stderr__ is not None:
        with suppress(OSError, ValueError):  # closed, full or of a poor encoding: it is dropped
            sys.__stderr__.write(f"{text}\n")  # in one piece: other threads write, too
            sys.__stderr__.flush()
