"""
A date comes from the wall clock, never from the reactor's, which counts from some other moment.

The type checker sees to it wherever a date is handed on as it is: a wall clock returns a `Date`,
which the reactor's clock does not.  Dates that have been reckoned with are plain numbers again;
where those become a day, a name or a line is looked at here.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parents[2]

FROM_A_DATE = {
    "tcclient/control/client.py": ["_as_date"],
    "tcclient/sources/twitter_v2/budget/budget.py": ["roll"],
    "tcclient/sources/twitter_v2/slot/usage.py": ["next_reset"],
    "tcclient/storage/slots.py": ["slot"],
}
"""The functions that convert a `Date`, which the type checker knows to be one."""

FROM_A_NUMBER = {
    "tcclient/control/healthreport.py": ["_moment"],
    "tcclient/ledger/entries.py": ["moment"],
    "tcclient/ledger/segments.py": ["month"],
    "tcclient/ledger/wording.py": ["when"],
    "tcclient/sources/twitter/glimpsing.py": ["shown"],
    "tcclient/sources/twitter_v2/budget/limits.py": ["utc_minute"],
}
"""The functions that take any number of seconds for a date, as it may be reckoned from one."""

_CONVERSIONS = {"fromtimestamp", "utcfromtimestamp", "gmtime", "localtime", "ctime", "asctime"}
_CONVERSIONS |= {"formatdate", "datetimeToString", "now", "utcnow", "today"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield each function, those in classes and functions included."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def called(call: ast.Call) -> str:
    """Return the last part of the name of what is called; "" where it has none."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield each call."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def reads_the_clock(expression: ast.AST, names: set[str]) -> bool:
    """Return whether there is `.seconds()` in it, of whatever clock, or one of these names."""
    return any(
        (isinstance(node, ast.Call) and called(node) == "seconds" and not node.args)
        or (isinstance(node, ast.Name) and node.id in names)
        for node in ast.walk(expression)
    )


def names_for_the_clock(function: Function) -> set[str]:
    """Return the names in a function for what has been read from a clock, or reckoned from it."""
    names: set[str] = set()
    while True:
        before = len(names)
        for node in ast.walk(function):
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target, value in _pairs(targets, node.value):
                    if value is not None and reads_the_clock(value, names):
                        names |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
        if len(names) == before:
            return names


def _pairs(targets: list[Any], value: Any) -> Iterator[tuple[ast.AST, ast.AST | None]]:
    """Yield targets with their values, those of tuples one by one."""
    for target in targets:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            yield from zip(target.elts, value.elts, strict=True)
        else:
            yield target, value


def dated_by_the_clock(tree: ast.AST, sinks: set[str]) -> Iterator[int]:
    """Yield the line of each call of one of `sinks` that is given what a clock has shown."""
    for function in functions(tree):
        names = names_for_the_clock(function)
        for call in calls(function):
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            if called(call) in sinks and any(reads_the_clock(one, names) for one in given):
                yield call.lineno


class DateTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.trees = {
            str(path.relative_to(ROOT)): ast.parse(path.read_text())
            for path in sorted((ROOT / "tcclient").rglob("*.py"))
        }

    def where(self, *wanted: str) -> list[tuple[str, str]]:
        """File and function of each `time.<wanted>` of the client."""
        return [
            (path, function.name)
            for path, tree in self.trees.items()
            for function in functions(tree)
            for node in ast.walk(function)
            if isinstance(node, ast.Attribute)
            and node.attr in wanted
            and isinstance(node.value, ast.Name)
            and node.value.id == "time"
        ]

    def test_who_makes_dates(self) -> None:
        """These functions only."""
        found = {
            (path, function.name)
            for path, tree in self.trees.items()
            for function in functions(tree)
            if any(called(call) in _CONVERSIONS for call in calls(function))
        }
        known = (*FROM_A_DATE.items(), *FROM_A_NUMBER.items())
        self.assertEqual(found, {(path, name) for path, names in known for name in names})

    def test_who_reads_the_clocks_of_the_system(self) -> None:
        """One function each, so that everybody else is given a clock or a wall clock."""
        self.assertEqual(self.where("time"), [("tcclient/runtime/wallclock.py", "wall_time")])
        self.assertEqual(self.where("monotonic"), [("tcclient/command.py", "steady_reactor")])
        boot = [("tcclient/runtime/wallclock.py", "boot_clock")]
        self.assertEqual(self.where("clock_gettime"), boot)

    def test_who_declares_a_number_to_be_a_date(self) -> None:
        """The wall clock only."""
        found = [
            (path, function.name)
            for path, tree in self.trees.items()
            for function in functions(tree)
            for call in calls(function)
            if called(call) == "Date"
        ]
        self.assertEqual(found, [("tcclient/runtime/wallclock.py", "wall_time")])

    def test_none_is_made_from_the_clock_of_timers(self) -> None:
        """Neither at once nor by way of a name."""
        sinks = {name for names in FROM_A_NUMBER.values() for name in names} | _CONVERSIONS
        for path, tree in self.trees.items():
            self.assertEqual(list(dated_by_the_clock(tree, sinks)), [], path)


class TwinTests(SynchronousTestCase):
    """That what is looked for would be found."""

    def test_wrong(self) -> None:
        """A reading as it is, reckoned with, and under another name."""
        for body in (
            "moment(self._clock.seconds())",
            "entries.moment(self._clock.seconds() - silent)",
            "entries.moment(seconds=clock.seconds())",
            "now = clock.seconds(); then = now - 5; return entries.moment(then)",
            "a, b = 1, clock.seconds(); return moment(b)",
            "return moment(b) if (b := reactor.seconds()) else None",
        ):
            tree = ast.parse(f"def act(self, clock, silent):\n    {body}")
            self.assertEqual(list(dated_by_the_clock(tree, {"moment"})), [2], body)

    def test_right(self) -> None:
        """The wall clock, and the moment that a ledger has."""
        for body in (
            "moment(self._wall() - silent)",
            "moment(entries.seconds(line['at']))",
            "a, b = 1, clock.seconds(); return moment(a), later(b)",
        ):
            tree = ast.parse(f"def act(self, clock, silent):\n    {body}")
            self.assertEqual(list(dated_by_the_clock(tree, {"moment"})), [], body)
