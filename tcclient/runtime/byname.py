"""
What is started by name, so that nothing of the client imports it: entry points of the distribution.
"""

from importlib.metadata import entry_points
from typing import Any

GROUP = "tcclient.commands"


def load_by_name(name: str) -> Any:
    """Return what the entry point `name` of GROUP is.  Raises LookupError where there is none."""
    found = entry_points(group=GROUP, name=name)
    if not found:
        raise LookupError(f"no installed package has the entry point {name!r} of {GROUP}")
    return next(iter(found)).load()
