"""The folders of a client, as another one opens them."""

from typing import Any

from tcclient.storage.folders import Folders

_GIVEN = [
    "base_dir",
    "naming",
    "server",
    "clock",
    "wall",
    "settings",
    "use",
    "client_id",
    "machine",
]


def anew(folders: Folders, **changes: Any) -> Folders:
    """Return folders as another process has them: with `changes`, and nothing known of before."""
    return Folders(**({name: getattr(folders, name) for name in _GIVEN} | changes))
