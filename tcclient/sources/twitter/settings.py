"""
The keys of the sections `twitter` and `twitter_auth` that both APIs have.

Knows that the sections are shared: a settings file may have keys of the API that it does not use.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from tcclient.runtime.places import Where

Api = Annotated[Literal["2", "1.1"], Meta(description='"2" or "1.1"')]
StallTimeout = Annotated[
    Annotated[float, Meta(gt=0, le=86400)] | None,
    Meta(
        description="a number of seconds above 0, 86400 at most, or null for 30 s on v2 and "
        "90 s on v1.1"
    ),
]

TWITTER = "twitter"
TWITTER_AUTH = "twitter_auth"


def api_of(document: dict[str, Any] | Any) -> object:
    """Return `twitter.api` of settings that are not checked yet, None where they have none."""
    section = document.get(TWITTER) if isinstance(document, dict) else None
    return section.get("api") if isinstance(section, dict) else None


def impatience(stall_timeout: float | None, keep_alive: float) -> Iterator[str]:
    """
    Yield a clause if `twitter.stall_timeout` is too short for a stream that sends something every
    `keep_alive` seconds.
    """
    if stall_timeout is not None and stall_timeout <= keep_alive:
        yield (
            f"a silent stream may send nothing for {keep_alive:g} s: with twitter.stall_timeout at "
            f"{stall_timeout:g} s it is given up while it is well"
        )


def missing_keys(auth: Struct, names: Iterable[str], needs: str) -> Iterator[tuple[Where, str]]:
    """
    Yield the place and a sentence for each of the named keys that has no value; `needs` says which
    keys the API needs.
    """
    for name in names:
        if getattr(auth, name) is None:
            yield (TWITTER_AUTH, name), f"must have a value: {needs}"
