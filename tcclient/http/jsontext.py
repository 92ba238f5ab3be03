"""
Decodes the JSON of an answer, if what comes of it has a bounded size.  Pure.

Twenty bytes of JSON can make a kilobyte of objects, and one character beyond the Basic Multilingual
Plane makes four bytes of each of a text, so that the size is estimated before anything is decoded.
"""

import codecs
import json
import re
from typing import Any

MOST_BYTES = 1_250_000
"""
Most bytes of an answer: a job with 100,000 characters of keywords has 1,200,000 where all of them
are escaped as two surrogates each.
"""
MOST_DECODED = 2_000_000
"""Most bytes of memory that a value may take: those keywords, not escaped, take 1,600,000."""

_SHORT = 4096
"""Bytes of which it does not matter what they make: a hundred kilobytes or two."""
_DECODER = json.JSONDecoder()
# A text without an end reaches to the end, so that it is gone through once.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]', re.DOTALL)
_OF_A_TOKEN = 64
"""Bytes that a bracket, a comma or a text stands for, beside the characters."""
_OF_TWO_BYTES = re.compile(rb"[\xc4-\xff]|\\u")
_OF_FOUR_BYTES = re.compile(rb"[\xf0-\xff]|\\u[dD][89abAB]")
_BLANKS = b" \t\r\n"
_INK = re.compile(rb"[^ \t\r\n]")


class NoJSON(ValueError):
    """Raised where there is no value; str() is a clause."""

    def __init__(self) -> None:
        super().__init__("the answer is not JSON, or cut")


class TooCostly(ValueError):
    """Raised where a value would take more than MOST_DECODED bytes of memory; str() is a clause."""

    def __init__(self) -> None:
        super().__init__("the answer is too long")


def loads(body: bytes) -> Any:
    """Return the decoded JSON.  Raises NoJSON and TooCostly."""
    text = as_utf8(body)
    value, end = value_at(text, len(text) - len(text.lstrip(_BLANKS)))
    if _INK.search(text, end):
        raise NoJSON()
    return value


def as_utf8(body: bytes) -> bytes:
    """Return JSON in UTF-8 and without a byte order mark.  Raises NoJSON."""
    encoding = json.detect_encoding(body)
    if encoding.startswith("utf-8"):
        return body.removeprefix(codecs.BOM_UTF8)
    try:
        return body.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
    except UnicodeError:
        raise NoJSON() from None


def value_at(text: bytes, begin: int) -> tuple[Any, int]:
    """
    Decode the value that begins there, in UTF-8.  Return it, and where it ends.  Raises NoJSON and
    TooCostly.
    """
    try:
        return _short_value(text, begin)
    except (ValueError, RecursionError):
        end = _end_of_value(text, begin)
    try:
        return json.loads(text[begin:end].decode("utf-8", "surrogatepass")), end
    except (ValueError, RecursionError):
        raise NoJSON() from None


def _short_value(text: bytes, begin: int) -> tuple[Any, int]:
    """Do the same with a value of up to _SHORT bytes.  Raises ValueError and RecursionError."""
    end = begin + _SHORT
    while begin < end < len(text) and text[end] & 0xC0 == 0x80:
        end -= 1  # or a character would be cut
    part = text[begin:end].decode("utf-8", "surrogatepass")
    value, length = _DECODER.raw_decode(part)
    if length == len(part) and end < len(text):
        raise ValueError("it may go on")
    return value, begin + len(part[:length].encode("utf-8", "surrogatepass"))


def _end_of_value(text: bytes, begin: int) -> int:
    """Return where the value that begins there ends, if it is one.  Raises TooCostly."""
    depth, tokens, end = 0, 0, len(text)
    for token in _TOKEN.finditer(text, begin):
        tokens += 1
        if tokens * _OF_A_TOKEN > MOST_DECODED:
            raise TooCostly()
        sign = text[token.start()]
        depth += (sign in b"[{") - (sign in b"]}")
        if depth < 0 or (depth == 0 and sign == 0x2C):
            end = token.start()  # behind a number or a name
            break
        if depth == 0:
            end = token.end()
            break
    if tokens * _OF_A_TOKEN + _size_of_texts(text, begin, end) > MOST_DECODED:
        raise TooCostly()
    return end


def _size_of_texts(text: bytes, begin: int, end: int) -> int:
    """Return the most bytes that the characters between the two can take."""
    wide = 4 if _OF_FOUR_BYTES.search(text, begin, end) else 0
    wide = wide or (2 if _OF_TWO_BYTES.search(text, begin, end) else 1)
    return wide * (end - begin - 5 * text.count(b"\\u", begin, end))
