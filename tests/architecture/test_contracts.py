"""
The import contracts of pyproject.toml hold, and each of them is broken by a twin that breaks it.

import-linter says KEPT of a contract that names what is not there, of a folder without
`__init__.py`, of what import_module() finds, of files in twisted/plugins, and of packages that it
is not told of: these are looked for here.
"""

import ast
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tcclient.runtime.byname import load_by_name
from tests.marks import Need, needs

ROOT = Path(__file__).parents[2]
_Import = (ast.Import, ast.ImportFrom)
PACKAGES = ("tcclient", "tcaccount", "tcsandbox", "tcserver")
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
    "importlinter"
]["contracts"]


FINDS_BY_NAME = {
    "importlib",
    "runpy",
    "pkgutil",
    "twisted.python.reflect",
    "twisted.python.modules",
}
"""Modules by which something is imported whose name is a string."""
MAY_FIND_BY_NAME = {
    "both.py": "importlib",
    "byname.py": "importlib",
    "section.py": "pkgutil",
}
"""
File -> the one of these that it uses: for what only some runs need, and for the classes that a
section `logging` names.
"""
FOUND_BY_NAME = {
    "tcclient/command.py": {"tcclient.service", "tcsandbox.both"},
    "tcclient/config/schema.py": {"difflib"},
    "tcclient/push/connecting.py": {"tcclient.push.socket"},
    "tcclient/service.py": {
        "tcclient.check.checks",
        "tcclient.logs.observer",
        "tcclient.push.connecting",
        "tcclient.rulescommand.command",
    },
    "tcclient/sources/twitter_v1/configured.py": {"tcclient.sources.twitter_v1.checks"},
    "tcclient/sources/twitter_v1/offer.py": {
        "tcclient.sources.twitter_v1.advice",
        "tcclient.sources.twitter_v1.configured",
        "tcclient.sources.twitter_v1.report",
    },
    "tcclient/sources/twitter_v2/configured.py": {
        "tcclient.sources.twitter_v2.checks",
        "tcclient.sources.twitter_v2.rules.store",
    },
    "tcclient/sources/twitter_v2/offer.py": {
        "tcclient.sources.twitter_v2.advice",
        "tcclient.sources.twitter_v2.configured",
        "tcclient.sources.twitter_v2.report",
    },
}
"""File -> the modules that it finds by name: those that it could import, and the sandbox."""


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Yield each file of the packages, and what it says."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text())


@needs(Need.PROCESSES)
class ContractTests(TestCase):
    async def test_kept_and_broken_by_twins(self) -> None:
        """All contracts are kept, and each is broken by every import that it is to prevent."""
        out, errors, status = await getProcessOutputAndValue(
            sys.executable, ["-m", "tests.architecture.twins"], {"PYTHONPATH": str(ROOT)}, str(ROOT)
        )
        self.assertEqual(status, 0, errors.decode())
        found = json.loads(out)
        self.assertEqual(found["kept"], [options["name"] for options in CONTRACTS])
        self.assertEqual(found["unbroken"], [])


class ExceptionTests(SynchronousTestCase):
    def test_no_contract_ignores_an_import(self) -> None:
        """No contract has an exception."""
        for options in CONTRACTS:
            self.assertNotIn("ignore_imports", options)


class BlindSpotTests(SynchronousTestCase):
    """What import-linter does not see."""

    def test_each_folder_is_a_package(self) -> None:
        """A folder without `__init__.py` would not be looked at."""
        for path, _ in sources():
            for folder in list(path.parents)[:-1]:
                self.assertTrue((ROOT / folder / "__init__.py").exists(), folder)

    def test_each_package_is_looked_at(self) -> None:
        """Beside those that the contracts are about there are tests and benchmarks alone."""
        found = {path.parent.name for path in ROOT.glob("[!.]*/*.py")}
        self.assertEqual(found, {*PACKAGES, "tests", "benchmarks"})

    def test_what_is_imported_is_seen(self) -> None:
        """Nobody imports in a function, under TYPE_CHECKING, or by a name that is a string."""
        for path, tree in sources():
            self.assertEqual(list(_late_imports(tree)), [], path)
            self.assertEqual(_names(tree) & {"__import__"}, set(), path)
            may = MAY_FIND_BY_NAME.get(path.name, "nothing")
            by_name = [
                name
                for name in _imported(tree)
                if _is_in(name, *FINDS_BY_NAME) and not _is_in(name, may)
            ]
            self.assertEqual(by_name, [], path)

    def test_what_is_found_by_name_is_said_here(self) -> None:
        """Each name stands in the file as it is, and leads to something."""
        found = {str(path): set(_found_by_name(tree)) for path, tree in sources()}
        del found["tcclient/runtime/byname.py"]  # which finds what old names stand for
        modules = {
            path: {name.partition(":")[0] for name in names} for path, names in found.items()
        }
        self.assertEqual({path: names for path, names in modules.items() if names}, FOUND_BY_NAME)
        for name in set().union(*found.values()):
            self.assertIsNotNone(load_by_name(name))

    def test_the_reactor_is_imported_by_the_command_only(self) -> None:
        """Everyone else is given what it needs of it."""
        for path, tree in sources():
            allowed = path.parts[0] == "tcsandbox" or str(path) == "tcclient/command.py"
            self.assertTrue(allowed or "twisted.internet.reactor" not in _imported(tree), path)

    def test_the_plugin_imports_nothing_of_the_application(self) -> None:
        """twistd reads it whatever command it is to run."""
        for path in (ROOT / "twisted").rglob("*.py"):
            tree = ast.parse(path.read_text())
            self.assertEqual(_names(tree) & {"__import__", "exec", "eval"}, set(), path)
            self.assertEqual(
                _imported(tree),
                {"twisted.application.service", "twisted.application.service.ServiceMaker"},
                path,
            )

    def test_the_tac_file_knows_the_command_alone(self) -> None:
        """It is no module, so that no contract is about it."""
        tree = ast.parse((ROOT / "tcc.tac").read_text())
        self.assertEqual(
            _imported(tree), {"os", "tcclient.command", "tcclient.command.make_application"}
        )


def _is_in(name: str, *modules: str) -> bool:
    """Return whether a name is one of these modules, or in one."""
    return any(f"{name}.".startswith(f"{module}.") for module in modules)


def _names(tree: ast.Module) -> set[str]:
    """Return the names that a file uses, by themselves, of something, or of what it imports."""
    nodes = list(ast.walk(tree))
    return (
        {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        | {node.id for node in nodes if isinstance(node, ast.Name)}
        | {alias.name for node in nodes if isinstance(node, _Import) for alias in node.names}
    )


def _imported(tree: ast.AST) -> set[str]:
    """Return the modules that are imported anywhere in a file, and what is imported from them."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = f"{'.' * node.level}{node.module or ''}"
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


def _found_by_name(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a file loads by name: strings, or its constants that are some."""
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "load_by_name":
            [name] = node.args
            name = constants.get(name.id, name) if isinstance(name, ast.Name) else name
            yield name.value if isinstance(name, ast.Constant) else "?"


def _late_imports(tree: ast.Module) -> Iterator[str]:
    """Yield the modules of ours that are imported anywhere but at the top of a file."""
    for node in ast.walk(tree):
        if isinstance(node, _Import) and node not in tree.body:
            for name in _imported(node):
                if name.startswith(".") or name.split(".")[0] in PACKAGES:
                    yield name
