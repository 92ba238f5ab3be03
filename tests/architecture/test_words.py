"""What things are called: one name for one thing, declared roles, docstrings that say it."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parents[2]
PACKAGES = ("tcclient", "tcaccount", "tcsandbox", "tcserver")

_FORMER = (
    "trunk", "branch", "stem", "strand", "seam", "purse", "shelf", "chronicle", "wish", "aside",
    "hold", "handover",
)  # fmt: skip
"""Words of our own that gave way to those of the field."""


_DJANGOS = {"Meta", "Command", "DatabaseWrapper"}
"""Names of classes by which Django looks for them."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    """
    Yield each file of the packages, by its path from the root, and what it says: migrations are
    Django's.
    """
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.parent.name == "migrations":
                continue
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def classes() -> Iterator[tuple[str, ast.ClassDef]]:
    """Yield each class, and the file that it is in."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name not in _DJANGOS:
                yield path, node


def bases(node: ast.ClassDef) -> set[str]:
    """Return the names of the classes that a class is derived from, without their modules."""
    found = (base.value if isinstance(base, ast.Subscript) else base for base in node.bases)
    return {one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in found}


def documented(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the name of each thing that has a docstring, and the docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text is not None:
                yield node.name, text


_TYPING = {
    path: {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "typing"
        for alias in node.names
        if alias.name == "Protocol"
    }
    for path, tree in trees()
}
"""File -> what typing.Protocol is called there, if it is imported."""


class NameTests(SynchronousTestCase):
    def test_no_class_name_is_used_twice(self) -> None:
        """Whoever reads a name, or looks for it, finds one thing."""
        places = defaultdict(list)
        for path, node in classes():
            places[node.name].append(path)
        self.assertEqual({name: p for name, p in places.items() if len(p) > 1}, {})

    def test_no_module_is_named_by_a_word_of_our_own(self) -> None:
        """Files and classes have the field's words."""
        for path, _ in trees():
            self.assertNotIn(Path(path).stem, _FORMER)
        for path, node in classes():
            words = re.findall(r"[A-Z][a-z]+", node.name)
            self.assertEqual({*map(str.lower, words)} & {*_FORMER}, set(), (path, node.name))


class RoleTests(SynchronousTestCase):
    def test_each_role_is_declared_by_who_plays_it(self) -> None:
        """A Protocol is the base of a class, or describes a function that can be called."""
        roles, players = {}, Counter[str]()
        for path, node in classes():
            players.update(bases(node))
            methods = [one.name for one in node.body if isinstance(one, ast.FunctionDef)]
            if _TYPING[path] & bases(node) and methods != ["__call__"]:
                roles[node.name] = path
        undeclared = {name: path for name, path in roles.items() if not players[name]}
        # Automat makes the players of these, from tables.
        machines = {
            "ArchiveEndInputs": "tcclient/storage/ending.py",
            "CaptureInputs": "tcclient/captures/capture.py",
            "FileInputs": "tcclient/storage/growing.py",
            "KeepingInputs": "tcclient/sources/twitter_v2/rules/keeping.py",
            "SuccessionInputs": "tcclient/sources/twitter_v1/succession.py",
            "SubscriptionInputs": "tcclient/sources/twitter_v2/subscription.py",
            "UpkeepInputs": "tcclient/push/upkeep.py",
        }
        self.assertEqual(undeclared, machines)


class DocstringTests(SynchronousTestCase):
    def test_none_refers_to_another_alone(self) -> None:
        """What a method does here is said here."""
        for path, tree in trees():
            for name, text in documented(tree):
                self.assertNotRegex(text, r"^(As|The same as) [^.]*\.?$", (path, name))

    def test_every_module_and_class_has_one(self) -> None:
        """And every public function."""
        for path, tree in trees():
            if Path(path).name != "__init__.py" or tree.body:
                self.assertIsNotNone(ast.get_docstring(tree), path)
        for path, node in classes():
            if not node.name.startswith("_"):
                self.assertIsNotNone(ast.get_docstring(node), (path, node.name))
