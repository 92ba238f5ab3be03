"""
Starts commands by the names of their entry points, so that nothing of the client imports them.
"""

import sys
from importlib.metadata import entry_points
from typing import Any

GROUP = "tcclient.commands"
"""The group of the entry points that the distribution declares for this."""


def load_by_name(name: str) -> Any:
    """
    Return what the entry point `name` of GROUP leads to.  Raises SystemExit with one sentence if
    none is installed, as after an update of the files alone.
    """
    found = entry_points(group=GROUP, name=name)
    if not found:
        raise SystemExit(f"This needs {name!r} of tcc-capture: install it again, by pip install .")
    return next(iter(found)).load()


def start_moved(old: str, new: str) -> None:
    """Run the entry point `new` for whoever has started `python -m old`; say so on stderr."""
    print(f"python -m {old} is now python -m {new}.", file=sys.stderr)
    load_by_name(new)()
