"""What a run should be warned of before it begins, by file modes and the environment.  Pure."""

import shlex
from collections.abc import Iterator, Mapping

READABLE_BY_OTHERS = 0o044
"""The bits of a file's mode with which group or others can read it."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def exposed(mode: int, path: str, what: str = "the settings file") -> str:
    """Return a clause about the file, if others can read it; empty where none can."""
    if not mode & READABLE_BY_OTHERS:
        return ""
    return (
        f"others than its owner can read {what} (mode {mode & 0o7777:04o}): "
        f"chmod 600 {shlex.quote(path)}"
    )


def proxies(environ: Mapping[str, str]) -> str:
    """Return a clause about proxies that the environment names; empty where it names none."""
    named = " and ".join(_named(environ))
    return named and f"tcc uses no proxy and connects directly, although {named} is set"


def _named(environ: Mapping[str, str]) -> Iterator[str]:
    for name in _PROXIES:
        for spelling in (name, name.lower()):
            if environ.get(spelling):
                yield spelling
