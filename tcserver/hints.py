"""
That something is different from what it was: services say it, and whoever looks hears of it after
the commit.  A hint is a topic, and no state: who hears it looks into the database.

Knows topics; does not know who listens, which in most processes is nobody.
"""

import logging
from collections.abc import Callable, Collection
from functools import partial
from typing import TypeAlias

from django.db import transaction

log = logging.getLogger(__name__)

Listener: TypeAlias = Callable[[Collection[str]], None]
CAPTURES = "captures"
"""The topic of all captures together, and of who may see which; pages hear of each capture too."""

_listeners: list[Listener] = []


def of_client(client: int) -> str:
    """Return the topic of what people want of a client: its captures, its tokens."""
    return f"client.{client}"


def of_capture(capture: int) -> str:
    """Return the topic of all that is known of a capture."""
    return f"capture.{capture}"


def of_numbers(capture: int) -> str:
    """Return the topic of what a client tells of a capture all the time, for which nobody waits."""
    return f"numbers.{capture}"


def is_awaited(topic: str) -> bool:
    """Return whether somebody may wait for what a topic is about, as for an answer to a wish."""
    return not topic.startswith("numbers.")


def of_look(client: int, capture: int) -> str:
    """Return the topic of somebody's looking at the posts of a client's capture."""
    return f"look.{client}.{capture}"


def looked_at(topic: str) -> tuple[str, int] | None:
    """Return the client's topic and the capture in that of a look, None in any other one."""
    kind, _, more = topic.partition(".")
    client, _, capture = more.partition(".")
    return (of_client(int(client)), int(capture)) if kind == "look" else None


def group_of(topic: str) -> str:
    """Return the group in which a topic is told: one for each client, and one for all pages."""
    look = looked_at(topic)
    if look is not None:
        return look[0]
    return topic if topic.startswith("client.") else CAPTURES


def number_in(topic: str) -> int | None:
    """Return the number in the topics of a capture, None in any other one."""
    kind, _, number = topic.partition(".")
    return int(number) if kind in ("capture", "numbers") else None


def hint(*topics: str) -> None:
    """Tell those who listen in this process, once what is being written is committed."""
    if _listeners:
        transaction.on_commit(partial(_tell, topics), robust=True)


def hint_capture(capture: int, *clients: int | None) -> None:
    """Hint that a capture is different; to these clients, if people want something else of it."""
    if _listeners:
        found = {of_client(client) for client in clients if client is not None}
        hint(of_capture(capture), *found)


def listen(listener: Listener) -> Callable[[], None]:
    """Have a function told topics, from whichever thread; it must not wait.  Return its end."""
    _listeners.append(listener)

    def end() -> None:
        if listener in _listeners:
            _listeners.remove(listener)

    return end


def _tell(topics: Collection[str]) -> None:
    for listener in tuple(_listeners):
        listener(topics)
