"""
The import contracts of pyproject.toml hold, and each of them is broken by a twin that breaks it.

import-linter says KEPT of a contract that names what is not there, of a folder without
`__init__.py`, of what import_module() finds, and of files in twisted/plugins: these are looked for
here.
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

from tests.marks import Need, needs

ROOT = Path(__file__).parents[2]
PACKAGES = ("tcclient", "tcaccount", "tcsandbox")
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
    "importlinter"
]["contracts"]


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
        for package in PACKAGES:
            for folder in {path.parent for path in (ROOT / package).rglob("*.py")}:
                self.assertTrue((folder / "__init__.py").exists(), folder)

    def test_what_is_imported_is_seen(self) -> None:
        """Nobody imports in a function, under TYPE_CHECKING, or by a name that is a string."""
        for path, tree in sources():
            self.assertEqual(list(_late_imports(tree)), [], path)
            if path.name == "plot.py":
                continue  # matplotlib need not be installed
            names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            hidden = {"import_module", "__import__", "run_module", "TYPE_CHECKING"}
            self.assertEqual(names & hidden, set(), path)

    def test_the_reactor_is_imported_in_the_composition_root_only(self) -> None:
        """Everyone else is given what it needs of it."""
        for path, tree in sources():
            takes_reactor = any(
                isinstance(node, ast.ImportFrom)
                and node.module == "twisted.internet"
                and "reactor" in [alias.name for alias in node.names]
                for node in ast.walk(tree)
            )
            allowed = path.parts[0] == "tcsandbox" or path.name == "service.py"
            self.assertTrue(allowed or not takes_reactor, path)

    def test_the_plugin_imports_nothing_of_the_application(self) -> None:
        """twistd reads it whatever command it is to run."""
        for path in (ROOT / "twisted" / "plugins").glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                self.assertNotIsInstance(node, ast.Import)
                if isinstance(node, ast.ImportFrom):
                    self.assertEqual(node.module, "twisted.application.service")


def _late_imports(tree: ast.Module) -> Iterator[str]:
    """Yield the modules of ours that are imported anywhere but at the top of a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in tree.body:
            module = node.module or ""
            if module.split(".")[0] in PACKAGES:
                yield module
