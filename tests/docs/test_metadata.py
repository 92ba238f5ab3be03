"""What strangers are told of the package: the same in each place."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def told() -> Iterator[tuple[str, str]]:
    """Name and text of each file that users read, or that has messages for them."""
    places = [ROOT.glob("*.md"), (ROOT / "docs").glob("*.md")]
    places += [(ROOT / room).rglob("*.py") for room in ("tcclient", "tcaccount", "tcsandbox")]
    for place in places:
        for path in place:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


class NameTests(SynchronousTestCase):
    def test_nobody_is_sent_to_an_index(self) -> None:
        """
        The package is installed from a clone: under the name of its modules PyPI has another
        project's, and under its own nothing.
        """
        install = re.compile(rf"pip install\b.*\b({PROJECT['name']}|tcclient)\b")
        found = [(name, match[0]) for name, said in told() for match in install.finditer(said)]
        self.assertEqual(found, [])
