"""
Imports by name what only some runs need, and other programs that nothing of the client imports.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def load_by_name(name: str) -> Any:
    """Return what `name` says: "package.module:attribute", or a module."""
    module, _, attribute = name.partition(":")
    found = import_module(module)
    return getattr(found, attribute) if attribute else found


def start_moved(old: str, new: str) -> None:
    """Run `python -m new` for whoever has started `python -m old`; say so on stderr."""
    print(f"python -m {old} is now python -m {new}.", file=sys.stderr)
    load_by_name(f"{new}.__main__")


def is_installed(package: str) -> bool:
    """Return whether a package of others is there, without importing it."""
    return find_spec(package) is not None
