"""What strangers are told of the package: the same in each place."""

import ast
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
    places += [
        (ROOT / room).rglob("*.py") for room in ("tcclient", "tcaccount", "tcsandbox", "tcserver")
    ]
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


class InterpreterTests(SynchronousTestCase):
    def setUp(self) -> None:
        head = "Programming Language :: Python :: "
        lines = PROJECT["classifiers"]
        self.versions = [line.removeprefix(head) for line in lines if line.startswith(head)]

    def test_the_tested_ones_are_named(self) -> None:
        """What the metadata promises is what .ci/run tries, and what the README asks for."""
        self.assertIn(f"\npythons='{' '.join(self.versions)}' ", text(".ci/run"))
        *more, newest = self.versions
        self.assertIn(f"Python {', '.join(more)} or {newest}", text("README.md"))

    def test_the_oldest(self) -> None:
        """The oldest of them is what pip, ruff and setup.py take for the lower bound."""
        oldest = self.versions[0]
        tools = tomllib.loads(text("pyproject.toml"))["tool"]
        self.assertEqual(PROJECT["requires-python"], f">={oldest}")
        self.assertEqual(tools["ruff"]["target-version"], f"py{oldest.replace('.', '')}")
        self.assertIn(f"tcc needs Python {oldest} or newer", text("setup.py"))

    def test_older_ones_understand_setup(self) -> None:
        """A Python that is too old can read the file that tells it so."""
        ast.parse(text("setup.py"), feature_version=(3, 7))


class NameTests(SynchronousTestCase):
    def test_nobody_is_sent_to_an_index(self) -> None:
        """
        The package is installed from a clone: under the name of its modules PyPI has another
        project's, and under its own nothing.
        """
        install = re.compile(rf"pip install\b.*\b({PROJECT['name']}|tcclient)\b")
        found = [(name, match[0]) for name, said in told() for match in install.finditer(said)]
        self.assertEqual(found, [])
