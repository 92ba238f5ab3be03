"""Makes a refusal's words fit for one line of a log, without secrets.  Knows no API."""

import re
from collections.abc import Iterable
from urllib.parse import quote

from tcclient.runtime.failures import one_line
from tcclient.runtime.secrets import Secret

MOST_CHARACTERS = 300
"""Of an explanation in the log and the ledger."""
_MOST_READ = 1 << 16
"""Bytes of a refusal that are looked at."""

_TITLE = r"(?si)<title[^>]*>(.*?)</title[^>]*>"
_MARKUP = r"(?si)<(style|script)\b.*?</\1>|<[^>]*>"


def plain_text(body: bytes, secrets: Iterable[Secret] = ()) -> str:
    """
    Return a refusal's body on one line, without mark-up, and cut after MOST_CHARACTERS; a page's
    title stands first.  Where it repeats one of `secrets`, dots stand in its place.
    """
    text = body[:_MOST_READ].decode("utf-8", "replace")
    # The longest first: one may be a part of another.
    for secret in sorted((secret.reveal() for secret in secrets), key=len, reverse=True):
        for form in (secret, quote(secret, "")):
            text = text.replace(form, "...")
        text = _without_beginning_at_end(text, secret)
    return _title_and_text(text)[:MOST_CHARACTERS]


def title_of(page: str) -> str:
    """Return the title of a page, on one line; empty if it has none."""
    return " ".join(one_line(found) for found in re.findall(_TITLE, page)[:1])


def _title_and_text(page: str) -> str:
    """Return a page without mark-up on one line: its title, unless it begins so, and its text."""
    title = title_of(page)
    text = one_line(re.sub(_MARKUP, " ", re.sub(_TITLE, " ", page)))
    is_repeated = text.lower().startswith(title.lower())
    return text if is_repeated else ": ".join(filter(None, (title, text)))


def _without_beginning_at_end(text: str, secret: str) -> str:
    """
    Return `text` without the beginning of a secret at its end, where the limit up to which a body
    is read may have cut it.  Up to four characters of a secret do no harm, and stay.
    """
    for size in range(len(secret) - 1, 4, -1):
        if text.endswith(secret[:size]):
            return text[:-size] + "..."
    return text
