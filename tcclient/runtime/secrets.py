"""Tokens and keys that no repr and no line of a log shows.  Does not know whose they are."""

import re

_VISIBLE_ASCII = re.compile(r"[!-~]+")


class Unfit(ValueError):
    """Raised for a string that cannot be used.  str() says what was found, never the string."""


class Secret:
    """A string that no repr, str, format or log line shows, and no encoder takes."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the string itself, for the one place that sends it."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__


def secret(text: str) -> Secret:
    """
    Return a token or key as a Secret.  Raises Unfit unless it is visible ASCII: it is sent in a
    header, where other characters may arrive changed.
    """
    if not text:
        raise Unfit("an empty string")
    if not _VISIBLE_ASCII.fullmatch(text):
        raise Unfit("a space, a control character or a character outside ASCII in it")
    return Secret(text)
