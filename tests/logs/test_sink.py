"""A handler in a thread of its own: nobody waits for it, and what is missing is said."""

import io
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

from twisted.logger import LogEvent, Logger, LoggingFile, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tcclient.logs import sink as sinks
from tcclient.logs.sink import Sink

LONG = 60.0
"""Seconds after which a test gives up."""


class Doubtful(logging.Handler):
    """A handler that waits until it is `let`, and fails for as long as there is an `error`."""

    def __init__(self) -> None:
        super().__init__()
        self.let = Event()
        self.begun = Event()
        self.error: Exception | None = None
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.begun.set()
        self.let.wait(LONG)
        try:
            if self.error is not None:
                raise self.error
        except Exception:
            self.handleError(record)
        else:
            self.said.append(self.format(record))


class SinkCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.aside = io.StringIO()
        self.patch(sys, "__stderr__", self.aside)
        self.told: list[str] = []
        globalLogPublisher.addObserver(self.tell)
        self.addCleanup(globalLogPublisher.removeObserver, self.tell)
        self.handler = Doubtful()
        self.addCleanup(self.handler.let.set)

    def tell(self, event: LogEvent) -> None:
        """Remember what a sink says of itself."""
        if event.get("log_namespace") == sinks.__name__:
            self.told.append(event["log_format"].format(**event))

    def sink(self, most: int = 10) -> Sink:
        """A sink before the handler, which has begun."""
        sink = Sink("the handler", self.handler, most)
        sink.begin()
        return sink

    def say(self, sink: Sink, *texts: str) -> None:
        """Have lines logged."""
        for text in texts:
            sink.handle(logging.makeLogRecord({"msg": text, "levelno": logging.INFO}))

    def until(self, condition: Callable[[], object]) -> None:
        """Return when it holds."""
        end = time.monotonic() + LONG
        while not condition():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.001)


class RoomTests(SinkCase):
    """A handler that takes no line."""

    def fill(self) -> Sink:
        """A sink that has no room: the handler has one of ten lines, and three more came."""
        sink = self.sink()
        self.say(sink, "0")
        self.assertTrue(self.handler.begun.wait(LONG))
        self.say(sink, *(str(n) for n in range(1, 13)))
        return sink

    def test_nobody_waits_and_lines_are_counted(self) -> None:
        """What has no room is dropped."""
        self.assertEqual(self.fill().missing, 3)
        self.assertEqual(self.handler.said, [])

    def test_it_is_said_when_it_moves_again(self) -> None:
        """Once, with the number, and then there is room again."""
        sink = self.fill()
        self.handler.let.set()
        self.until(lambda: self.told)
        self.say(sink, "new")
        self.until(lambda: "new" in self.handler.said)
        self.assertEqual(self.handler.said, [*(str(n) for n in range(10)), "new"])
        self.assertEqual(
            self.told,
            [
                "3 lines of the log did not get to the handler: it took none, and there was no "
                "room for more that wait."
            ],
        )
        self.assertEqual(sink.missing, 0)

    def test_long_lines_have_less_room(self) -> None:
        """So that they do not take all memory; one alone may be as long as it is."""
        sink = self.sink()
        self.say(sink, "x" * (sinks.MOST_TEXT + 1))
        self.assertEqual(sink.missing, 0)
        self.say(sink, "y")
        self.assertEqual(sink.missing, 1)

    def test_before_it_is_begun(self) -> None:
        """Lines wait, as those that are said before a daemon forks."""
        sink = Sink("the handler", self.handler)
        self.handler.let.set()
        self.say(sink, "early")
        self.assertEqual(self.handler.said, [])
        sink.begin()
        self.until(lambda: self.handler.said == ["early"])

    def test_the_end_of_one_that_hangs(self) -> None:
        """It is not waited for longer than is said, and no later line is waited for again."""
        sink = self.fill()
        sink.end()
        self.assertFalse(sink.wait(0.01))
        for _ in range(1000):
            self.say(sink, "late")

    def test_the_end_of_one_that_works(self) -> None:
        """What waits is written, and then each line before anybody goes on."""
        sink = self.sink()
        self.say(sink, "a", "b")
        self.handler.let.set()
        sink.end()
        self.assertTrue(sink.wait(LONG))
        self.assertEqual(self.handler.said, ["a", "b"])
        self.say(sink, "c")
        self.assertEqual(self.handler.said, ["a", "b", "c"])


class ShownTests(SinkCase):
    def said(self, **record: object) -> str:
        """What the handler's formatter makes of a record."""
        self.handler.let.set()
        self.handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        self.sink().handle(
            logging.makeLogRecord({"levelno": logging.INFO, "levelname": "INFO", **record})
        )
        self.until(lambda: self.handler.said)
        return self.handler.said[0]

    def test_names_that_a_terminal_would_obey(self) -> None:
        """They are escaped, in the text and in what is put into it; what can be shown stays."""
        said = self.said(msg="Job \x9b2J%s\u2028 嵐", args=("\u202egpj.exe",))
        self.assertEqual(said, "INFO Job \\u009b2J\\u202egpj.exe\\u2028 嵐")

    def test_a_traceback(self) -> None:
        """What others have said stands in the text of exceptions too."""
        try:
            raise ValueError("\x1b]0;owned\x07")
        except ValueError:
            said = self.said(msg="It failed.", exc_info=sys.exc_info())
        self.assertIn("\n", said)
        self.assertTrue(said.endswith("ValueError: \\u001b]0;owned\\u0007"), said)

    def test_colours_of_a_formatter(self) -> None:
        """They are the user's own."""
        self.handler.let.set()
        self.handler.setFormatter(logging.Formatter("\x1b[31m%(message)s\x1b[0m"))
        self.say(self.sink(), "red \x1b[32m")
        self.until(lambda: self.handler.said)
        self.assertEqual(self.handler.said, ["\x1b[31mred \\u001b[32m\x1b[0m"])


class FailureTests(SinkCase):
    """A handler that fails."""

    def setUp(self) -> None:
        super().setUp()
        self.handler.let.set()

    def test_it_is_said_once_and_counted(self) -> None:
        """In the log, and to stderr, as there may be no other; and again when it works."""
        sink = self.sink()
        self.handler.error = OSError(28, "No space left on device")
        self.say(sink, "a", "b")
        self.until(lambda: sink.missing == 2 and self.aside.getvalue())
        self.handler.error = None
        self.say(sink, "c")
        self.until(lambda: len(self.told) > 1)
        failing = (
            "The log cannot be written to the handler: No space left on device. "
            "It is tried with each line."
        )
        self.assertEqual(self.aside.getvalue(), f"{failing}\n")
        missing = "2 lines of the log did not get to the handler: No space left on device."
        self.assertEqual(self.told, [failing, missing])
        self.assertEqual(sink.missing, 0)

    def test_at_the_end(self) -> None:
        """What a sink says of itself it does not wait for itself: it goes on with later lines."""
        sink = self.sink()

        def observe(event: LogEvent) -> None:
            if event.get("log_namespace") == sinks.__name__:
                self.say(sink, "of itself")

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        self.patch(sinks, "LAST", LONG)
        self.handler.error = OSError(28, "No space left on device")
        sink.end()
        self.say(sink, "a")
        self.until(lambda: sink.missing == 2)
        self.handler.error = None
        self.say(sink, "b")
        self.assertIn("b", self.handler.said)

    def test_without_a_stderr(self) -> None:
        """A process may have been started without one, or with one that is closed."""
        self.handler.error = OSError(28, "No space left on device")
        for number, stderr in enumerate((None, io.StringIO()), 1):
            if stderr:
                stderr.close()
            self.patch(sys, "__stderr__", stderr)
            sink = self.sink()
            self.say(sink, "a")
            self.until(lambda number=number: len(self.told) == number)  # type: ignore[misc]

    def test_lines_on_stderr_are_whole(self) -> None:
        """Each is one write, as several handlers fail at once when the disk of their files does."""
        pieces: list[str] = []

        class Pieces(io.StringIO):
            def write(self, text: str) -> int:
                pieces.append(text)
                return super().write(text)

        self.patch(sys, "__stderr__", Pieces())
        self.handler.error = OSError(28, "No space left on device")
        self.say(self.sink(), "a")
        self.until(lambda: bool(pieces))
        self.assertEqual([piece[-1:] for piece in pieces], ["\n"])

    def test_what_a_handler_prints_does_not_feed_it(self) -> None:
        """Under twistd stdout and stderr are the log."""
        handler = self.handler
        printing = LoggingFile(logger=Logger("tcc.printed"))

        class Printing(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                handler.said.append(record.getMessage())
                print("a warning", file=printing)

        sink = Sink("one that prints", Printing())

        def observe(event: LogEvent) -> None:
            self.say(sink, event["log_format"])

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        sink.begin()
        self.say(sink, "a", "b")
        sink.end()
        self.assertTrue(sink.wait(LONG))
        self.assertEqual(handler.said, ["a", "b"])

    def test_a_line_that_was_cut(self) -> None:
        """A file that took half of a line goes on with a whole one."""
        path = Path(self.mktemp())
        file = logging.FileHandler(path)
        self.addCleanup(file.close)

        class Cutting(logging.Filter):
            def filter(self, record: logging.LogRecord) -> bool:
                if record.msg == "cut":
                    file.stream.write("half of a li")
                    file.stream.flush()
                    raise OSError(28, "No space left on device")
                return True

        file.addFilter(Cutting())
        sink = Sink("the file", file)
        sink.begin()
        self.say(sink, "a", "cut", "b")
        sink.end()
        self.assertTrue(sink.wait(LONG))
        self.assertEqual(path.read_text(), "a\nb\n")
