"""
What of a text a terminal would obey instead of showing it, or show otherwise than it stands.  Pure.
"""

import re

_OBEYED = (
    # Control characters but for tab and line end, among them those of ISO 6429 (C1), which begin
    # commands to terminals as ESC does.
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f"
    # What turns the direction of writing round, for the rest of a line or a part of it.
    "\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069"
    # Line ends that programs see and people do not; half characters; the mark of a byte order.
    "\\u2028\\u2029\\ud800-\\udfff\\ufeff]"
)


def visible(text: str) -> str:
    """
    Return a text with escapes (`\\u202e`) for all that a terminal would obey, but for tabs and line
    ends.  Letters of all scripts, emoji, and the joiners in them stay.
    """
    return text if text.isprintable() else re.sub(_OBEYED, _escape, text)


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
