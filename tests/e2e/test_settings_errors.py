"""What a user sees who gives twistd settings or options that are no good."""

import copy
import json
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor as _reactor
from twisted.trial.unittest import TestCase

import tcclient
from tcclient.command import Options, makeService
from tests.config.test_settings import MINIMAL
from tests.e2e.processes import ROOT, Finished, run, together, twistd

TAC = str(ROOT / "tcc.tac")
DAEMON = ["--pidfile", "tcc.pid", "--logfile", "tcc.log"]
FORMS = {
    "plugin": ["-n", "tcc", "--config", "bad.json"],
    "tac": ["-ny", TAC],
    "daemon": [*DAEMON, "tcc", "--config", "bad.json"],
    "daemonised tac": [*DAEMON, "-y", TAC],
}
PLACEHOLDERS = (ROOT / "settings.example.json").read_text()


def changed(place: str, value: object) -> str:
    """Good settings but for `value` at a dotted place."""
    document = copy.deepcopy(MINIMAL)
    *sections, key = place.split(".")
    section = document
    for name in sections:
        section = section.setdefault(name, {})
    section[key] = value
    return json.dumps(document)


def with_handler(**handler: object) -> str:
    """Good settings but for the handler of a section `logging`."""
    return changed("logging", {"version": 1, "handlers": {"h": handler}})


MISTAKES: dict[str, tuple[str, ...]] = {
    # what is in the file: how the sentence begins, what else is in it
    "{": ("must be JSON, found a mistake at line 1, column 2",),
    "[]": ("$ must be an object, found an array",),
    PLACEHOLDERS: ("$.server.base_url must be filled in", "$.twitter_auth.api_secret"),
    json.dumps({"server": MINIMAL["server"]}): ("$.twitter_auth is missing, expected",),
    changed("server.client_id", "1"): ("$.server.client_id must be a whole number", 'found "1"'),
    changed("server.ping_intervall", 5): (
        "$.server.ping_intervall is not a known key",
        "$.server.ping_interval\n",
    ),
    changed("server.ping_interval", 0): ("$.server.ping_interval must be a number of seconds",),
    changed("output.minute_interval", 0): ("$.output.minute_interval must be", "from 1 to 60"),
    changed("output.minute_interval", 61): ("$.output.minute_interval must be", "from 1 to 60"),
    changed("output.filename_timefmt", "%Y"): ("$.output.filename_timefmt must be a strftime",),
    changed("output.extension", "json"): ("$.output.extension must be a dot",),
    changed("source_addr", "here"): ("$.source_addr must be an IPv4 or IPv6 address",),
    changed("server.auth_token", {"env": "NO_SUCH_VARIABLE"}): (
        "$.server.auth_token must have a value",
        "NO_SUCH_VARIABLE",
    ),
    changed("_extend", "base.json"): ("$._extend",),
    changed("client.logging", {}): ("$.client is a section of the old client", "key logging\n"),
}


class Refusals(TestCase):
    timeout = 90

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.path = self.folder / "bad.json"

    async def refused(self, form: list[str], *expected: str) -> None:
        """Status 1, a sentence on stderr, and no file is left, no pid file either."""
        before = names(self.folder)
        result = await run(self, self.folder, twistd(*form), TCC_CONFIG="bad.json")
        self.assertEqual((result.out, result.status), ("", 1), result)
        self.assert_sentence(result.err, *expected)
        self.assertEqual(names(self.folder), before)

    def assert_sentence(self, line: str, *expected: str) -> None:
        """
        One line with the file's name, then the first of `expected`, all others somewhere in it.
        """
        self.assertEqual(line.count("\n"), 1, line)
        self.assertTrue(line.startswith(f"{self.path}: {expected[0]}"), line)
        for part in expected:
            self.assertIn(part, line)

    async def refused_in_every_form(self, *expected: str) -> None:
        """The settings are refused in the same way by each form of the command."""
        await together(self.refused(form, *expected) for form in FORMS.values())


def names(folder: Path) -> list[str]:
    """Everything below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


class SettingsErrorTests(Refusals):
    """A sentence that names file, place and what is expected; nothing is started."""

    def test_each_mistake_gets_its_sentence(self) -> None:
        """It is what twistd ends with, whose processes are looked at below."""
        reactor = cast(Any, _reactor)
        self.patch(reactor, "seconds", reactor.seconds)  # which a service sets for its process
        options = Options()
        options.parseOptions(["--config", str(self.path)])
        for text, expected in MISTAKES.items():
            self.path.write_text(text)
            ended = self.assertRaises(SystemExit, makeService, options)
            self.assert_sentence(f"{ended}\n", *expected)
            self.assertEqual(names(self.folder), ["bad.json"])

    async def test_a_wrong_value(self) -> None:
        """In every form alike."""
        self.path.write_text(changed("server.ping_interval", -1))
        await self.refused_in_every_form("$.server.ping_interval must be a number of seconds")

    async def test_no_file(self) -> None:
        """Nothing is made in its place."""
        await self.refused(FORMS["daemonised tac"], "cannot be read: No such file or directory")

    async def test_a_logging_class(self) -> None:
        """What the standard library would say about the section comes with file and place too."""
        self.path.write_text(with_handler(**{"class": "no.Such"}))
        await self.refused_in_every_form(
            "$.logging.handlers.h.class must name a logging handler's class"
        )

    async def test_a_log_file_that_cannot_be_made(self) -> None:
        """Its folder would be made, but there is a file of that name."""
        (self.folder / "logs").touch()
        handler = {"class": "logging.FileHandler", "filename": "logs/54/errors.log"}
        self.path.write_text(with_handler(**handler))
        await self.refused(
            FORMS["plugin"],
            "$.logging.handlers.h.filename must be in a folder that can be made",
        )


class UsageTests(Refusals):
    async def usage(self, *arguments: str, sentence: str) -> None:
        """For these there is one sentence, and nothing is left behind."""
        before = names(self.folder)
        result = await run(self, self.folder, twistd(*arguments))
        self.assertEqual(result, Finished("", sentence + "\n", 1))
        self.assertEqual(names(self.folder), before)

    async def test_the_version(self) -> None:
        """That of tcc, where Twisted would give its own."""
        result = await run(self, self.folder, twistd("tcc", "--version"))
        self.assertEqual(result, Finished(f"tcc {tcclient.__version__}\n", "", 0))

    async def test_neither_settings_nor_sandbox(self) -> None:
        """Which of the two is needed; no daemon is started."""
        await self.usage("tcc", sentence="twistd tcc needs either --config FILE or --sandbox DIR.")

    async def test_both(self) -> None:
        """It is not guessed which one was meant."""
        await self.usage(
            *("-n", "tcc", "--config", "settings.json", "--sandbox", "sandbox"),
            sentence="twistd tcc needs either --config FILE or --sandbox DIR.",
        )

    async def test_a_sandbox_in_a_file(self) -> None:
        """The file stays as it is."""
        self.path.write_text("mine")
        await self.usage(
            *("-n", "tcc", "--sandbox", "bad.json"),
            sentence=f"The sandbox cannot be set up in {self.path}: there is a file of that name.",
        )
        self.assertEqual(self.path.read_text(), "mine")

    async def test_a_sandbox_below_a_file(self) -> None:
        """Likewise."""
        self.path.write_text("mine")
        await self.usage(
            *("-n", "tcc", "--sandbox", "bad.json/sandbox"),
            sentence=f"The sandbox cannot be set up in {self.path}/sandbox: Not a directory.",
        )
