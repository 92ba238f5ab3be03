"""Where the client's log goes, and that each line stands there once."""

import json
import re
from collections import Counter
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.config.test_settings import OLD_EXAMPLE
from tests.e2e.processes import ROOT, start, start_daemon, twistd
from tests.e2e.stage import Stage

EXAMPLE = json.loads((ROOT / "settings.example.json").read_text())["logging"]
OLD = json.loads(OLD_EXAMPLE)["logging"]
PLUGIN = ("tcc", "--config", "settings.json")
TAC = ("-y", str(ROOT / "tcc.tac"))

# Its first and last line and one between them.
LIFE = ("starts: files go below", "'storm' is connected: statuses/filter", "files are finished.")
TWISTDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} \[[^]]+\] (.+)")
SECTIONS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]+ +[\w.]+:? (.+)")


class LoggingTests(Stage):
    async def foreground(self, *arguments: str) -> str:
        """What a client that captured for a moment has printed; it has no other output."""
        client = start(self, self.folder, twistd("-n", *arguments))
        await self.captured(5, client)
        ended = await client.end()
        self.assertEqual(ended.err, "")
        return ended.out

    async def daemon(self, *arguments: str) -> None:
        """A daemon that captured for a moment has ended."""
        client = await start_daemon(self, self.folder, twistd("--pidfile", "tcc.pid", *arguments))
        await self.captured(5, client)
        await client.end()

    def assert_once(self, log: str | Path, form: re.Pattern[str]) -> None:
        """Every line has this form, the whole life of the client is told, and nothing twice."""
        text = log if isinstance(log, str) else log.read_text()
        matches = [form.fullmatch(line) for line in text.splitlines()]
        self.assertTrue(all(matches), text)
        messages = [match[1] for match in matches if match]
        for part in LIFE:
            self.assertEqual(len([line for line in messages if part in line]), 1, text)
        twice = [line for line, times in Counter(messages).items() if times > 1]
        self.assertEqual(twice, [])

    def files(self) -> list[str]:
        """The files of the folder, without what was captured."""
        files = [path.relative_to(self.folder) for path in self.folder.rglob("*")]
        return sorted(str(p) for p in files if p.parts[0] != "data" and (self.folder / p).is_file())

    async def test_no_section(self) -> None:
        """twistd's own log, on stdout."""
        self.write_settings()
        self.assert_once(await self.foreground(*PLUGIN), TWISTDS)
        self.assertEqual(self.files(), ["settings.json"])

    async def test_no_section_and_a_daemon(self) -> None:
        """twistd's own file."""
        self.write_settings()
        await self.daemon(*PLUGIN)
        self.assert_once(self.folder / "twistd.log", TWISTDS)
        self.assertEqual(self.files(), ["settings.json", "twistd.log"])

    async def test_the_example(self) -> None:
        """Its console, and its error file in a folder that is made."""
        self.write_settings(logging=EXAMPLE)
        self.assert_once(await self.foreground(*PLUGIN), SECTIONS)
        self.assertEqual(self.files(), ["logs/errors.log", "settings.json"])
        self.assertEqual((self.folder / "logs" / "errors.log").read_text(), "")

    async def test_the_example_and_the_tac_file(self) -> None:
        """With a logfile: twistd's format there, the section's on the console."""
        self.write_settings(logging=EXAMPLE)
        self.assert_once(await self.foreground(*TAC, "-l", "tcc.log"), SECTIONS)
        self.assert_once(self.folder / "tcc.log", TWISTDS)

    async def test_a_logfile(self) -> None:
        """Of the plugin, likewise."""
        self.write_settings(logging=EXAMPLE)
        self.assert_once(await self.foreground("--logfile", "tcc.log", *PLUGIN), SECTIONS)
        self.assert_once(self.folder / "tcc.log", TWISTDS)
        self.assertEqual(self.files(), ["logs/errors.log", "settings.json", "tcc.log"])

    async def test_the_example_and_a_daemon(self) -> None:
        """Which has no console: a file of the section's, and the logfile."""
        self.write_settings(logging=with_file(EXAMPLE))
        await self.daemon("--logfile", "tcc.log", *PLUGIN)
        self.assert_once(self.folder / "all.log", SECTIONS)
        self.assert_once(self.folder / "tcc.log", TWISTDS)
        self.assertEqual(self.files(), ["all.log", "logs/errors.log", "settings.json", "tcc.log"])

    async def test_the_old_example(self) -> None:
        """Everything down to debug, each line once."""
        self.write_settings(logging=OLD)
        self.assert_once(await self.foreground(*PLUGIN), SECTIONS)
        self.assertEqual(self.files(), ["logs/54/errors.log", "settings.json"])

    async def test_the_old_example_and_a_daemonised_tac_file(self) -> None:
        """Without a logfile there is only what the section names, and no twistd.log."""
        self.write_settings(logging=with_file(OLD))
        await self.daemon(*TAC)
        self.assert_once(self.folder / "all.log", SECTIONS)
        self.assertEqual(self.files(), ["all.log", "logs/54/errors.log", "settings.json"])

    async def test_errors_go_to_the_error_file_too(self) -> None:
        """Once to the console, once to the file; the files are beside the settings."""
        (self.folder / "elsewhere").mkdir()
        self.job.name = ".hidden"
        self.write_settings(logging=OLD)
        command = twistd("-n", "tcc", "--config", "../settings.json")
        client = start(self, self.folder / "elsewhere", command)
        await client.says("cannot be stored")
        ended = await client.end()
        errors = (self.folder / "logs" / "54" / "errors.log").read_text()
        self.assertEqual(errors.count("\n"), 1, errors)
        self.assertRegex(
            errors, r" ERROR    tcclient\.captures\.session .*'\.hidden' cannot be a folder"
        )
        self.assertEqual(ended.out.count(errors), 1)
        self.assertEqual(self.files(), ["logs/54/errors.log", "settings.json"])


class PoorEncodingTests(Stage):
    """A console and files whose encoding lacks a letter: the line is written escaped."""

    # Python has its own ways with LC_ALL=C, but not with these.
    POOR = MappingProxyType({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
    CANNOT = re.compile(r"Job \d+ cannot be stored: The name 'caf\\xe9/' ")

    async def log(self, *arguments: str) -> str:
        """What a client has printed that cannot store its job."""
        self.job.name = "café/"
        client = start(self, self.folder, twistd("-n", *arguments), **self.POOR)
        await client.says("cannot be stored")
        ended = await client.end()
        self.assertEqual(ended.err, "")
        return ended.out

    async def test_no_section(self) -> None:
        """The plugin and the .tac file, on stdout."""
        self.write_settings()
        for command in (PLUGIN, TAC):
            self.assertRegex(await self.log(*command), self.CANNOT)

    async def test_a_section(self) -> None:
        """On its console and in its files."""
        self.write_settings(logging=with_file(EXAMPLE))
        self.assertRegex(await self.log(*PLUGIN), self.CANNOT)
        self.assertRegex((self.folder / "all.log").read_text("ascii"), self.CANNOT)


def with_file(section: dict[str, Any]) -> dict[str, Any]:
    """The section with a file for all lines, in the format of its console."""
    file = {"class": "logging.FileHandler", "formatter": "default", "filename": "all.log"}
    root = {**section["root"], "handlers": [*section["root"]["handlers"], "file"]}
    return {**section, "handlers": {**section["handlers"], "file": file}, "root": root}
