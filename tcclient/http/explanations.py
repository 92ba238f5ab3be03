"""What the other side says when it refuses, made fit for one line of a log."""

import re
from collections.abc import Iterable
from urllib.parse import quote

from tcclient.runtime.failures import one_line
from tcclient.runtime.secrets import Secret

MOST_CHARACTERS = 300

_MARKUP = re.compile(r"<(style|script|title)\b.*?</\1>|<[^>]*>", re.S | re.I)


def plain_text(body: bytes, secrets: Iterable[Secret] = ()) -> str:
    """
    A refusal's body on one line, without mark-up, in at most MOST_CHARACTERS.  Where it repeats
    our own credentials, they are left out.
    """
    text = body.decode("utf-8", "replace")
    # The longest first: one may be a part of another.
    for secret in sorted((secret.reveal() for secret in secrets), key=len, reverse=True):
        for form in (secret, quote(secret, "")):
            text = text.replace(form, "...")
        text = _without_beginning_at_end(text, secret)
    return one_line(_MARKUP.sub(" ", text))[:MOST_CHARACTERS]


def _without_beginning_at_end(text: str, secret: str) -> str:
    """A body is read up to a limit, which may cut a secret; four characters of it are no harm."""
    for size in range(len(secret) - 1, 4, -1):
        if text.endswith(secret[:size]):
            return text[:-size] + "..."
    return text
