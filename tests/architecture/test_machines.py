"""The pictures of machines: whoever looks at one sees each state, and what leads to another."""

import ast
import re
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from tests.architecture.test_words import ROOT, trees

MAP = "docs/architecture.md"


def calls(tree: ast.AST, method: str) -> Iterator[ast.Call]:
    """Yield each call of a method of this name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == method:
            yield node


def states(tree: ast.Module) -> set[str]:
    """Return the names of the states that are made in a module."""
    names = [call.args[0] for call in calls(tree, "state") if call.args]
    return {name.value for name in names if isinstance(name, ast.Constant)}


def leading(tree: ast.Module) -> set[str]:
    """Return the names of the inputs that lead from one state to another."""
    upon = [next(calls(call.func, "upon"), None) for call in calls(tree, "to")]
    given = [call.args[0] for call in upon if call is not None]
    return {name.attr for name in given if isinstance(name, ast.Attribute)}


class PictureTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.machines = {
            path: tree for path, tree in trees() if [*calls(tree, "build")] and states(tree)
        }

    def test_each_shows_all_states_and_ways(self) -> None:
        """The docstring of the module has them."""
        self.assertEqual(len(self.machines), 7)
        for path, tree in self.machines.items():
            picture = ast.get_docstring(tree) or ""
            shown = {
                word
                for word in states(tree) | leading(tree)
                if re.search(rf"(?<![a-z_]){word}(?![a-z_])", picture)
            }
            self.assertEqual(shown, states(tree) | leading(tree), path)

    def test_the_map_leads_to_each(self) -> None:
        """Whoever looks for the machines finds them."""
        found = (ROOT / MAP).read_text().partition("**States are drawn.**")[2].partition("\n- **")
        for path in self.machines:
            self.assertIn(f"(../{path})", found[0])
