"""Settings that name loggers as release 1.0.0 called them."""

import importlib
import logging
import logging.config
import re
from pathlib import Path
from typing import Any

from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from tcclient.logs.names import MOVED, TOP
from tcclient.logs.observer import configure

ROOT = Path(__file__).parents[2]
POLLER, SESSION = "tcclient.captures.poller", "tcclient.captures.session"


class Kept(logging.Handler):
    """Keeps the lines that reach it, in `lines`, which all of a test share."""

    lines: list[str]

    def __init__(self, mark: str) -> None:
        super().__init__()
        self._mark = mark

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self._mark} {record.name}: {record.getMessage()}")


class NoSecrets(logging.Filter):
    """Passes all lines but those with a certain word."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "secret" not in record.getMessage()


class OldNamesTests(SynchronousTestCase):
    def setUp(self) -> None:
        Kept.lines = []
        self.addCleanup(self.forget)
        self.forget()

    def forget(self) -> None:
        """Leave no logger of this program behind, configured or not, and all others as they are."""
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
        known = logging.root.manager.loggerDict
        for name in [one for one in known if one.split(".")[0] in (TOP, "tcsandbox")]:
            del known[name]

    def configure(self, loggers: dict[str, Any], **more: Any) -> None:
        """The settings have these loggers; a handler has the name of the logger that it is for."""
        handlers = {name: {"()": Kept, "mark": name} for name in loggers}
        section = {name: {"handlers": [name], **logger} for name, logger in loggers.items()}
        self.section = {"version": 1, "handlers": handlers, "loggers": section, **more}
        configure(self.section, Path())

    def says(self, name: str, text: str = "x", level: int = logging.INFO) -> list[str]:
        """A line of that logger is logged; return where it went."""
        Kept.lines.clear()
        logging.getLogger(name).log(level, text)
        return Kept.lines

    def test_a_module(self) -> None:
        """Its level and handlers are those of the logger that has its lines now."""
        self.configure({"tcclient.server.poller": {"level": "INFO"}})
        self.assertEqual(self.says(POLLER), [f"tcclient.server.poller {POLLER}: x"])
        self.assertEqual(self.says(POLLER, level=logging.DEBUG), [])
        self.assertEqual(self.says(SESSION), [])

    def test_a_package(self) -> None:
        """All that were in it, wherever they are now, and nothing that is new there."""
        self.configure({"tcclient.feeds": {"level": "INFO"}})
        for name, old in MOVED.items():
            found = [line.split()[0] for line in self.says(name)]
            self.assertEqual(found, ["tcclient.feeds"] * old.startswith("tcclient.feeds."), name)

    def test_both_of_them_and_the_top(self) -> None:
        """Lines rise as they did: from the module to its package, and to the top."""
        self.configure(
            {"tcclient.server.poller": {}, "tcclient.server": {}, TOP: {"level": "INFO"}}
        )
        found = [line.split()[0] for line in self.says(POLLER)]
        self.assertEqual(found, ["tcclient.server.poller", "tcclient.server", TOP])

    def test_propagate(self) -> None:
        """What an old name keeps to itself does not rise."""
        old = {"level": "INFO", "propagate": False}
        self.configure({"tcclient.server": old, TOP: {"level": "INFO"}})
        self.assertEqual([line.split()[0] for line in self.says(POLLER)], ["tcclient.server"])
        self.assertEqual([line.split()[0] for line in self.says(SESSION)], [TOP])

    def test_a_new_name_has_precedence(self) -> None:
        """Who has learned the new name is not served twice."""
        self.configure({"tcclient.server": {"level": "INFO"}, POLLER: {"level": "INFO"}})
        self.assertEqual([line.split()[0] for line in self.says(POLLER)], [POLLER])

    def test_a_filter(self) -> None:
        """One that is given a logger's old name passes the lines of that logger."""
        self.configure({TOP: {"level": "INFO", "filters": ["old"]}}, filters={"old": {"name": "x"}})
        for name, passed in (("tcclient.server", True), ("tcclient.disk", False)):
            section = {**self.section, "filters": {"old": {"name": name}}}
            section["handlers"] = {TOP: {"()": Kept, "mark": TOP, "filters": ["old"]}}
            section["loggers"] = {TOP: {"level": "INFO", "handlers": [TOP]}}
            configure(section, Path())
            self.assertEqual(bool(self.says(POLLER)), passed, name)

    def test_the_filters_of_a_logger(self) -> None:
        """They are asked about its own lines, and not about those of a package below it."""
        secret = {"secret": {"()": NoSecrets}}
        logger = {"tcclient.server.poller": {"level": "INFO", "filters": ["secret"]}}
        self.configure(logger, filters=secret)
        self.assertEqual(self.says(POLLER, "the secret"), [])
        self.assertEqual(len(self.says(POLLER, "the weather")), 1)

    def test_the_sandbox(self) -> None:
        """The whole package has moved."""
        self.configure({"tcclient.sandbox.twitter": {"level": "INFO"}})
        self.assertEqual(self.says("tcsandbox.server.standin"), [])
        self.configure({"tcclient.sandbox": {"level": "INFO"}})
        self.assertEqual(len(self.says("tcsandbox.twitter.command")), 1)
        self.forget()
        self.configure({TOP: {"level": "INFO"}})
        self.assertEqual(len(self.says("tcsandbox.twitter.command")), 1)


class TableTests(SynchronousTestCase):
    def test_each_name_is_that_of_a_logger(self) -> None:
        """What the table says has moved logs under its new name."""
        for name in MOVED:
            found = importlib.import_module(name)
            if name != "tcsandbox":
                self.assertIsInstance(found.log, Logger, name)
                self.assertEqual(found.log.namespace, name)

    def test_each_logger_that_has_moved_is_in_it(self) -> None:
        """All loggers of the client, but for those that have kept their names or are new."""
        loggers = {
            ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for path in (ROOT / TOP).rglob("*.py")
            if "= Logger()" in path.read_text()
        }
        new = {
            *(
                f"captures.{name}"
                for name in ("following", "glimpsing", "healthlog", "meeting", "missing", "telling")
            ),
            "logs.outlets",
            "logs.sink",
            "push.upkeep",
            "sources.twitter_v2.budget.records",
            "runtime.shortage",
            *(f"sources.twitter_v2.slot.{name}" for name in ("ownslot", "record", "usage")),
            *(
                f"storage.{name}"
                for name in (
                    "ending",
                    "installation",
                    "lastbookings",
                    "latest",
                    "leftovers",
                    "lines",
                )
            ),
        }
        others = {"tcclient.service", *(f"{TOP}.{name}" for name in new)}
        self.assertEqual(loggers - MOVED.keys(), others)

    def test_the_documentation_has_it(self) -> None:
        """docs/loggers.md lists old and new names."""
        rows = re.findall(
            r"^\| `(\S+)` \| `(\S+)` \|", (ROOT / "docs/loggers.md").read_text(), re.M
        )
        self.assertEqual(sorted(rows), sorted((old, new) for new, old in MOVED.items()))
