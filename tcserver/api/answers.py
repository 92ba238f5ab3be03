"""
What is sent back, and the refusals on the way there.  Pure.

Knows statuses and the sentences of the contract; knows no table.
"""

from typing import Any

import attrs

NOT_FOUND = "Not found."
NOT_ALLOWED = "You do not have permission to perform this action."


@attrs.frozen
class EndpointAnswer:
    """A status and what becomes JSON; None as content is no body at all."""

    status: int
    content: Any = None


class ApiRefusal(Exception):
    """Raised when a request is to be answered with `status` and this JSON, or with a sentence."""

    def __init__(self, status: int, content: object) -> None:
        super().__init__(content)
        self.status = status
        self.content = {"detail": content} if isinstance(content, str) else content


def not_found() -> ApiRefusal:
    """Return the refusal of what is not there, or not for the asker to know of."""
    return ApiRefusal(404, NOT_FOUND)


def not_allowed() -> ApiRefusal:
    """Return the refusal of what the asker may see and not do."""
    return ApiRefusal(403, NOT_ALLOWED)


def no_such_method(method: str | None) -> ApiRefusal:
    """Return the refusal of a method that an address does not have."""
    return ApiRefusal(405, f'Method "{method}" not allowed.')
