"""How X encodes v1.1."""

import json

from tcsandbox.twitter.common.text import Json


def encode(message: Json) -> bytes:
    r"""Return `message` as ASCII JSON, `/`, `<` and `>` escaped too, CRLF at the end."""
    text = json.dumps(message, separators=(",", ":"))
    text = text.replace("/", "\\/").replace("<", "\\u003c").replace(">", "\\u003e")
    return text.encode("ascii") + b"\r\n"
