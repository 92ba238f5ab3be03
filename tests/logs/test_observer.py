"""Behaviour of the section `logging` and of the observer that serves it."""

import copy
import io
import json
import logging
import logging.handlers
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oauthlib import oauth1
from twisted.logger import ILogObserver, Logger, LoggingFile, LogLevel, LogPublisher
from twisted.python import log as legacy_log
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tcclient.logs.observer import (
    LoggingError,
    StdlibObserver,
    configure,
    put_behind_sinks,
    try_out,
)
from tests.config.test_settings import OLD_EXAMPLE, ROOT

_COLOURED = "coloredlogs.ColoredStreamHandler"


class LoggingTestCase(SynchronousTestCase):
    """Puts the standard library's logging back as it was, and catches stdout and stderr."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.out = io.StringIO()
        self.patch(sys, "stdout", self.out)
        self.addCleanup(self.restore, self.state(), dict(logging._handlers))
        self.observer = StdlibObserver()

    def loggers(self) -> list[logging.Logger]:
        known = logging.root.manager.loggerDict.values()
        return [logging.root, *(one for one in known if isinstance(one, logging.Logger))]

    def state(self) -> dict[logging.Logger, tuple[Any, ...]]:
        return {
            one: (one.level, one.propagate, one.disabled, list(one.handlers), list(one.filters))
            for one in self.loggers()
        }

    def restore(self, state: dict[logging.Logger, tuple[Any, ...]], named: dict[str, Any]) -> None:
        before = {handler for members in state.values() for handler in members[3]}
        for one in self.loggers():
            for handler in [*one.handlers]:
                if handler not in before:
                    handler.close()
            fresh = (logging.NOTSET, True, False, [], [])
            one.level, one.propagate, one.disabled, one.handlers, one.filters = state.get(
                one, fresh
            )
        logging._handlers.clear()
        logging._handlers.update(named)
        logging.root.manager._clear_cache()

    def says(self, namespace: str, level: LogLevel, text: str) -> None:
        Logger(namespace, observer=self.observer).emit(level, text)

    def refusal(self, section: dict[str, Any]) -> str:
        sentence = str(self.assertRaises(LoggingError, configure, section, self.folder))
        self.assertTrue(sentence.startswith("$.logging"), sentence)
        self.assertTrue(sentence.isprintable(), sentence)
        return sentence


def section(**parts: Any) -> dict[str, Any]:
    """A logging section that only has `parts` and does not meddle with other loggers."""
    return {"version": 1, "disable_existing_loggers": False, **parts}


def with_handler(**handler: Any) -> dict[str, Any]:
    return section(handlers={"h": handler}, root={"level": "DEBUG", "handlers": ["h"]})


class OldExampleTests(LoggingTestCase):
    """The section of the project's old example, as it stands."""

    def setUp(self) -> None:
        super().setUp()
        self.section = json.loads(OLD_EXAMPLE)["logging"]
        self.warnings = configure(self.section, self.folder)
        self.errors = self.folder / "logs" / "54" / "errors.log"

    def test_it_is_taken_without_a_warning(self) -> None:
        """The folder of its error file, which users had to make, is made."""
        self.assertEqual(self.warnings, [])
        self.assertTrue(self.errors.parent.is_dir())

    def test_the_section_stays_as_it_was(self) -> None:
        """The caller's dictionary is not the one that dictConfig takes apart."""
        self.assertEqual(self.section, json.loads(OLD_EXAMPLE)["logging"])

    def test_a_line_of_a_logger_that_does_not_propagate_appears_once(self) -> None:
        """ "no" means no: its own handler writes the line and the root's does not."""
        self.says("twitter_monitor.listener", LogLevel.warn, "slow down")
        self.assertEqual(self.out.getvalue().count("slow down"), 1)
        self.assertIn("WARNING  twitter_monitor.listener slow down\n", self.out.getvalue())
        self.assertFalse(logging.getLogger("twitter_monitor.listener").propagate)

    def test_levels_are_kept_for_each_logger(self) -> None:
        """The named logger drops what is below WARN, the root takes everything."""
        self.says("twitter_monitor.listener", LogLevel.info, "quiet")
        self.says("tcclient.server.poller", LogLevel.debug, "loud")
        self.assertNotIn("quiet", self.out.getvalue())
        self.assertEqual(self.out.getvalue().count("loud"), 1)

    def test_errors_go_to_the_file_too(self) -> None:
        """Each once; what is less than an error does not."""
        self.says("tcclient.server.poller", LogLevel.warn, "warned")
        self.says("tcclient.server.poller", LogLevel.error, "failed")
        self.assertEqual(self.out.getvalue().count("failed"), 1)
        written = self.errors.read_text()
        self.assertEqual(written.count("failed"), 1)
        self.assertNotIn("warned", written)

    def test_the_file_rotates_as_the_section_says(self) -> None:
        """The handler is the standard library's with the section's arguments."""
        [handler] = [h for h in logging.root.handlers if hasattr(h, "maxBytes")]
        self.assertIsInstance(handler, logging.handlers.RotatingFileHandler)
        self.assertEqual((handler.maxBytes, handler.backupCount), (10_485_760, 20))
        self.assertEqual(handler.baseFilename, str(self.errors))


class AlwaysOpen(logging.FileHandler):
    """Somebody's handler, which opens its file at once."""

    def __init__(self, filename: str) -> None:
        super().__init__(filename)


class TrialTests(LoggingTestCase):
    """What `--check` does with the section."""

    def test_nothing_is_made(self) -> None:
        """Neither files nor their folders, whoever made the handler."""
        for handler in (
            {"class": "logging.FileHandler", "filename": "logs/2026/a.log"},
            {"()": "logging.FileHandler", "filename": "a.log"},
            {"class": f"{__name__}.AlwaysOpen", "filename": "logs/b.log", "level": "ERROR"},
        ):
            self.assertEqual(try_out(with_handler(**handler), self.folder), [])
            self.assertEqual(list(self.folder.iterdir()), [])

    def test_what_is_wrong_is_said(self) -> None:
        """As at a start."""
        wrong = with_handler(**{"class": "logging.FileHandler", "filename": "a", "mood": "w"})
        for use in (configure, try_out):
            self.assertIn("mood", str(self.assertRaises(LoggingError, use, wrong, self.folder)))


class ShippedExampleTests(LoggingTestCase):
    def test_it_configures_console_and_error_file(self) -> None:
        """Information on the console, errors in both, each once."""
        example = json.loads((ROOT / "settings.example.json").read_text())
        self.assertEqual(configure(example["logging"], self.folder), [])
        self.says("tcclient.server.poller", LogLevel.debug, "detail")
        self.says("tcclient.server.poller", LogLevel.info, "note")
        self.says("tcclient.server.poller", LogLevel.critical, "trouble")
        self.assertEqual(
            [line.split(" ", 2)[2] for line in self.out.getvalue().splitlines()],
            ["INFO     tcclient.server.poller: note", "CRITICAL tcclient.server.poller: trouble"],
        )
        written = (self.folder / "logs" / "errors.log").read_text()
        self.assertEqual(written.count("\n"), 1)
        self.assertIn("trouble", written)


class SectionTests(LoggingTestCase):
    def test_propagate_in_words(self) -> None:
        """What people write for yes and no is what they mean."""
        for written, meant in (
            *((word, False) for word in ("no", "No", "false", "OFF", "0", " no ", 0, False)),
            *((word, True) for word in ("yes", "true", "On", "1", 1, True)),
        ):
            configure(section(loggers={"tcc.example": {"propagate": written}}), self.folder)
            self.assertIs(logging.getLogger("tcc.example").propagate, meant, repr(written))

    def test_no_propagate_leaves_it_on(self) -> None:
        """null is the same as not given."""
        configure(section(loggers={"tcc.example": {"propagate": None}}), self.folder)
        self.assertTrue(logging.getLogger("tcc.example").propagate)

    def test_coloured_handlers_of_old_files(self) -> None:
        """They become plain ones with a warning, without the arguments those do not know."""
        for key in ("class", "()"):
            written = {
                key: _COLOURED,
                "stream": "ext://sys.stdout",
                "level": "INFO",
                "show_name": True,
                "isatty": False,
            }
            [warning] = configure(with_handler(**written), self.folder)
            self.assertIn("$.logging.handlers.h", warning)
            self.assertIn(_COLOURED, warning)
            self.assertIn("not used: isatty, show_name.", warning)
            [handler] = logging.root.handlers
            self.assertIs(type(handler), logging.StreamHandler)
            self.assertEqual(handler.level, logging.INFO)
            self.assertIs(handler.stream, self.out)

    def test_absolute_file_names_stay(self) -> None:
        """Only relative ones are counted from the settings file's folder."""
        path = self.folder / "other" / "deep" / "log"
        given = {"class": "logging.FileHandler", "filename": str(path), "delay": True}
        configure(with_handler(**given), Path("/nowhere"))
        self.assertEqual(logging.root.handlers[0].baseFilename, str(path))
        self.assertTrue(path.parent.is_dir())
        self.assertFalse(path.exists())

    def test_existing_loggers_are_disabled_as_given(self) -> None:
        """The standard library's default, on, is not changed."""
        one = logging.getLogger("tcc.existing")
        configure({"version": 1, "disable_existing_loggers": False}, self.folder)
        self.assertFalse(one.disabled)
        configure({"version": 1}, self.folder)
        self.assertTrue(one.disabled)

    def test_what_is_signed_is_not_told(self) -> None:
        """oauthlib would log keys and tokens at debug; no section can make it."""
        everything = {"level": "DEBUG", "handlers": ["h"]}
        names = ("oauthlib", "oauthlib.oauth1.rfc5849")
        configure(
            section(
                handlers={"h": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
                loggers=dict.fromkeys(names, everything),
                root=everything,
            ),
            self.folder,
        )
        signer = oauth1.Client("QkeyQ", "QsecretQ", "QtokenQ", "QtokensecretQ")
        signer.sign("http://127.0.0.1/1.1/statuses/filter.json", "POST")
        self.assertEqual(self.out.getvalue(), "")

    def test_sections_that_cannot_be_used(self) -> None:
        """One sentence with the place in the settings file, whoever finds the mistake."""
        stream = "logging.StreamHandler"
        (self.folder / "file").write_text("")
        file = {"class": "logging.FileHandler"}
        h = "$.logging.handlers.h"
        table: list[tuple[dict[str, Any], str]] = [
            ({}, "$.logging cannot be used: dictionary doesn't specify a version"),
            ({"version": 2}, "$.logging cannot be used: Unsupported version: 2"),
            (section(handlers=[]), "$.logging.handlers must be an object, found an array"),
            (section(handlers={"h": "x"}), f"{h} must be an object, found a string"),
            (section(filters={"f": 1}), "$.logging.filters.f must be an object, found a number"),
            (section(root="DEBUG"), "$.logging.root must be an object, found a string"),
            (section(root={"level": "LOUD"}), "$.logging.root cannot be used: Unknown level: 'LOU"),
            (section(root={"handlers": ["h"]}), "$.logging.root cannot be used: Unable to add han"),
            (section(root={"handlers": 5}), "$.logging.root cannot be used: 'int' object is not i"),
            (section(root={"filters": ["f"]}), "$.logging.root cannot be used: Unable to add fil"),
            (
                section(loggers={"a.b": {"propagate": "maybe"}}),
                '$.logging.loggers["a.b"].propagate must be true or false, found "maybe"',
            ),
            (
                section(loggers={"a": {"propagate": []}}),
                "$.logging.loggers.a.propagate must be true or false, found an array",
            ),
            (
                section(loggers={"a b": {"level": "warn"}}),
                "$.logging.loggers[\"a b\"] cannot be used: Unknown level: 'warn'",
            ),
            (
                section(formatters={"f": {"format": "%(x"}}),
                "$.logging.formatters.f cannot be used: Invalid format '%(x' for '%' style",
            ),
            (with_handler(), f"{h}.class must name a logging handler's class, found nothing"),
            (with_handler(**{"class": 5}), f"{h}.class must name a logging handler's class, foun"),
            *(
                (with_handler(**{"class": name}), f"{h}.class must name a logging handler's class")
                for name in (
                    "no.such.Thing",
                    "logging.NoHandler",
                    "logging.Formatter",
                    "os",
                    "",
                    ".",
                )
            ),
            (with_handler(**{"()": "no.such.thing"}), f"{h} cannot be used: "),
            (
                with_handler(**{"class": stream, "stream": "stdout"}),
                f'{h}.stream must be "ext://sys.stdout" or "ext://sys.stderr", found "stdout"',
            ),
            (
                with_handler(**{"class": stream, "stream": "ext://sys.nothing"}),
                f"{h} cannot be used: No module named 'sys.nothing'",
            ),
            (
                with_handler(**{"class": stream, "formatter": "f"}),
                f"{h} cannot be used: Unable to set formatter 'f'",
            ),
            (
                with_handler(**file, filename="a", maxbytes=1),
                f"{h} cannot be used: FileHandler.__init__() got an unexpected keyword argument",
            ),
            (with_handler(**file), f"{h} cannot be used: FileHandler.__init__() missing 1 requi"),
            (with_handler(**file, filename=5), f"{h}.filename must be the name of a file, found"),
            (with_handler(**file, filename=""), f"{h}.filename must be the name of a file, found"),
            (with_handler(**file, filename="a\0"), f"{h}.filename must be the name of a file, fo"),
            (
                with_handler(**file, filename="file/below/log"),
                f"{h}.filename must be in a folder that can be made, found {self.folder}/file",
            ),
            (
                with_handler(**file, filename="."),
                f"{h}.filename must be a file that can be written, found {self.folder}: Is a dir",
            ),
        ]
        for given, expected in table:
            before = copy.deepcopy(given)
            sentence = self.refusal(given)
            self.assertTrue(sentence.startswith(expected), sentence)
            self.assertEqual(given, before)


class Keeper(logging.Handler):
    """Keeps the records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class ObserverTests(LoggingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.keeper = Keeper()
        self.logger = logging.getLogger("tcc.observed")
        self.logger.addHandler(self.keeper)
        self.logger.setLevel(logging.DEBUG)
        self.logger.propagate = False
        self.log = Logger("tcc.observed", observer=self.observer)

    def test_it_observes(self) -> None:
        """It is what twistd asks the application for."""
        self.assertTrue(verifyObject(ILogObserver, self.observer))

    def test_levels(self) -> None:
        """Each of Twisted's levels is the standard library's of the same meaning."""
        for level in LogLevel.iterconstants():
            self.log.emit(level, "text")
        self.assertEqual(
            [record.levelname for record in self.keeper.records],
            ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        )

    def test_the_message_is_the_formatted_event(self) -> None:
        """A percent sign in it is only that."""
        self.log.info("{share}% of {name}", share=5, name="%s %d")
        self.assertEqual(self.keeper.records[0].getMessage(), "5% of %s %d")
        self.assertEqual(self.keeper.records[0].name, "tcc.observed")

    def test_what_nobody_wants_is_not_formatted(self) -> None:
        """Debug lines cost next to nothing when debug is off."""

        class Dear:
            def __str__(self) -> str:
                raise AssertionError("formatted for nobody")

        self.logger.setLevel(logging.INFO)
        self.log.debug("{dear}", dear=Dear())
        self.assertEqual(self.keeper.records, [])

    def test_failures_have_their_traceback(self) -> None:
        """Also a failure that went through a Deferred, which keeps no traceback object."""
        for clean in (False, True):
            try:
                raise ValueError("the cause")
            except ValueError:
                failure = Failure()
            if clean:
                failure.cleanFailure()
            self.log.failure("It broke", failure)
            text = logging.Formatter().format(self.keeper.records.pop())
            self.assertTrue(text.startswith("It broke\nTraceback (most recent call last):\n"), text)
            self.assertIn("test_failures_have_their_traceback", text)
            self.assertTrue(text.endswith("ValueError: the cause"), text)

    def test_a_failure_without_words(self) -> None:
        """It is logged all the same; an event with nothing in it is not."""
        self.observer(
            {
                "log_namespace": "tcc.observed",
                "log_level": LogLevel.critical,
                "log_failure": Failure(ValueError("the cause")),
            }
        )
        self.observer({"log_namespace": "tcc.observed", "log_level": LogLevel.critical})
        [record] = self.keeper.records
        self.assertEqual(record.getMessage(), "Unhandled failure")

    def test_old_style_events(self) -> None:
        """twisted.python.log's arrive under the namespace that Twisted gives them."""
        logging.getLogger("log_legacy").addHandler(self.keeper)
        logging.getLogger("log_legacy").setLevel(logging.INFO)
        publisher = legacy_log.LogPublisher(
            observerPublisher=LogPublisher(), publishPublisher=LogPublisher(self.observer)
        )
        publisher.msg("old words")
        self.assertEqual([r.getMessage() for r in self.keeper.records], ["old words"])

    def test_each_request_of_the_web_client_is_no_news(self) -> None:
        """Its factories' starts and stops are debug; other people's stay information."""
        logging.getLogger("twisted").addHandler(self.keeper)
        logging.getLogger("twisted").setLevel(logging.DEBUG)
        for namespace, words, level in (
            ("twisted.web.client._HTTP11ClientFactory", "Starting factory {factory!r}", "DEBUG"),
            ("twisted.web.client._HTTP11ClientFactory", "Stopping factory {factory!r}", "DEBUG"),
            ("twisted.web.client._HTTP11ClientFactory", "Something else", "INFO"),
            ("twisted.web.server.Site", "Starting factory {factory!r}", "INFO"),
        ):
            Logger(namespace, observer=self.observer).info(words, factory=self)
            self.assertEqual(self.keeper.records.pop().levelname, level, namespace)


class SinkTests(LoggingTestCase):
    """A section whose handlers stand behind sinks."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(logging, "lastResort", logging.lastResort)

    def begin(self, section: dict[str, Any]) -> None:
        """Use a section."""
        configure(section, self.folder)
        self.sinks = put_behind_sinks()
        for sink in self.sinks:
            sink.begin()

    def end(self) -> None:
        """All has been written."""
        for sink in self.sinks:
            sink.end()
            self.assertTrue(sink.wait(60), sink.name)

    def test_levels_and_filters_of_handlers(self) -> None:
        """They are asked as before, and one that several loggers have is one."""
        out = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}
        self.begin(
            section(
                filters={"f": {"name": "tcc.kept"}},
                handlers={"h": {**out, "level": "WARNING", "filters": ["f"]}},
                loggers={"tcc.kept": {"handlers": ["h"], "propagate": False}},
                root={"level": "DEBUG", "handlers": ["h"]},
            )
        )
        self.says("tcc.kept", LogLevel.info, "too low")
        self.says("tcc.kept", LogLevel.warn, "written")
        self.says("tcc.other", LogLevel.warn, "filtered")
        self.end()
        self.assertEqual(self.out.getvalue(), "written\n")
        names = [sink.name for sink in self.sinks]
        self.assertEqual((names.count("handler 'h'"), names.count("stderr")), (1, 1))

    def test_what_a_handler_keeps_back(self) -> None:
        """It is written when the process ends."""
        self.begin(
            section(
                handlers={
                    "file": {"class": "logging.FileHandler", "filename": "log"},
                    "memory": {
                        "class": "logging.handlers.MemoryHandler",
                        "capacity": 100,
                        "target": "file",
                    },
                },
                root={"level": "DEBUG", "handlers": ["memory"]},
            )
        )
        self.says("tcc.kept", LogLevel.info, "words")
        self.end()
        self.assertEqual((self.folder / "log").read_text(), "words\n")

    def test_without_a_handler(self) -> None:
        """Warnings go to stderr, as the standard library has it, and do not feed themselves."""
        stderr = io.StringIO()
        self.patch(sys, "stderr", stderr)
        self.begin(section())
        self.patch(sys, "stderr", LoggingFile(logger=Logger("tcc", observer=self.observer)))
        with self.no_handlers():
            self.says("tcc.lonely", LogLevel.warn, "words")
            self.end()
        self.assertEqual(stderr.getvalue(), "words\n")

    @contextmanager
    def no_handlers(self) -> Iterator[None]:
        """The root logger has none meanwhile."""
        before, logging.root.handlers = logging.root.handlers, []
        try:
            yield
        finally:
            logging.root.handlers = before
