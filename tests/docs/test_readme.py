"""What the README says of settings and commands, compared with the program."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import NODEFAULT, UNSET, Struct
from msgspec.structs import fields
from twisted.trial.unittest import SynchronousTestCase

from tcclient.config.settings import shape_for
from tcclient.sources.registry import KINDS, chosen

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FILE = shape_for(chosen({}), KINDS)
"""The keys that a settings file may have."""
ROW = re.compile(r"^\| `([a-z_.]+)` \| (?:`([^`]+)`)? ?\| \S.* \|$")


def section(heading: str) -> list[str]:
    """The lines below `## heading`, up to the next one."""
    return README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0].splitlines()


def table() -> list[tuple[str, str | None]]:
    """
    Key and default, as JSON, of each row of the settings table; None for a key without one, or with
    one that depends on the server.
    """
    rows = [line for line in section("Settings") if line.startswith("| `")]
    matches = [ROW.fullmatch(row) for row in rows]
    broken = [row for row, match in zip(rows, matches, strict=True) if match is None]
    assert not broken, broken
    return [(match[1], match[2]) for match in matches if match]


def keys(shape: type[Struct], place: str = "") -> Iterator[tuple[str, Any]]:
    """Every key that is no section, with its default; NODEFAULT where it must be given."""
    for field in fields(shape):
        name = f"{place}{field.name}"
        if isinstance(field.type, type) and issubclass(field.type, Struct):
            yield from keys(field.type, f"{name}.")
        else:
            yield name, field.default


class SettingsTableTests(SynchronousTestCase):
    def test_the_table_names_exactly_the_keys(self) -> None:
        """Each once."""
        self.assertEqual(sorted(key for key, _ in table()), sorted(key for key, _ in keys(FILE)))

    def test_the_defaults_are_the_true_ones(self) -> None:
        """Written as they would stand in the file; a folder with the slash that shows it is one."""
        true = dict(keys(FILE))
        for key, text in table():
            if text is None:
                self.assertIn(true[key], (NODEFAULT, UNSET), key)
                continue
            told = json.loads(text)
            if isinstance(true[key], Path):
                self.assertEqual(Path(told), true[key], key)
            else:
                default = msgspec.to_builtins(true[key])
                self.assertEqual((type(told), told), (type(default), default), key)

    def test_the_example_says_the_same(self) -> None:
        """What settings.example.json writes out is what the table has, text for text."""
        example = json.loads((ROOT / "settings.example.json").read_text(encoding="utf-8"))
        for key, text in table():
            value = example
            for name in key.split("."):
                value = value.get(name)
            is_placeholder = isinstance(value, str) and value.startswith("<")
            if text is not None and not is_placeholder and key != "logging":
                self.assertEqual(json.dumps(value), text, key)


class CommandTests(SynchronousTestCase):
    def commands(self, pattern: str) -> list[str]:
        return re.findall(pattern, README, re.MULTILINE)

    def test_one_command_runs_the_tests(self) -> None:
        """A line to be pasted, which .ci/run takes from here."""
        pattern = "^python3 -m venv .*trial tests$"
        self.assertIn(pattern, (ROOT / ".ci" / "run").read_text(encoding="utf-8"))
        self.assertEqual(len(self.commands(pattern)), 1)

    def test_one_command_starts_the_sandbox(self) -> None:
        """Likewise a line that needs nothing before it."""
        [command] = self.commands(r"^python3 -m venv .* tcc --sandbox \S+$")
        self.assertIn(".venv/bin/twistd -n tcc", command)
