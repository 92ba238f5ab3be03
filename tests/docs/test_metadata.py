"""What strangers are told of the package: the same in each place."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import tcclient

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def text(name: str) -> str:
    """The text of a file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def cited(key: str) -> str:
    """The value of a key of CITATION.cff that stands on one line."""
    [value] = re.findall(rf"^{key}: (.+)$", text("CITATION.cff"), re.MULTILINE)
    return value


def told() -> Iterator[tuple[str, str]]:
    """Name and text of each file that users read, or that has messages for them."""
    places = [ROOT.glob("*.md"), (ROOT / "docs").glob("*.md")]
    places += [(ROOT / room).rglob("*.py") for room in ("tcclient", "tcaccount", "tcsandbox")]
    for place in places:
        for path in place:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


class CitationTests(SynchronousTestCase):
    def test_the_version(self) -> None:
        """A paper cites the version that the code says it is."""
        self.assertEqual(cited("version"), tcclient.__version__)

    def test_the_authors(self) -> None:
        """Those who are cited hold the copyright and made the package."""
        [author] = PROJECT["authors"]
        self.assertIn(f"  - name: {author['name']}\n", text("CITATION.cff"))
        self.assertRegex(text("LICENSE"), rf"(?m)^Copyright \(c\) 20\d\d {author['name']}$")


class LicenceTests(SynchronousTestCase):
    def test_one_licence(self) -> None:
        """Its text, the package's metadata and the citation name the same one."""
        self.assertEqual(PROJECT["license-files"], ["LICENSE"])
        self.assertEqual(text("LICENSE").splitlines()[0], f"{PROJECT['license']} License")
        self.assertEqual(cited("license"), PROJECT["license"])


class NameTests(SynchronousTestCase):
    def test_nobody_is_sent_to_an_index(self) -> None:
        """
        The package is installed from a clone: under the name of its modules PyPI has another
        project's, and under its own nothing.
        """
        install = re.compile(rf"pip install\b.*\b({PROJECT['name']}|tcclient)\b")
        found = [(name, match[0]) for name, said in told() for match in install.finditer(said)]
        self.assertEqual(found, [])
