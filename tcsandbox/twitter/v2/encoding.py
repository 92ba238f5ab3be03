"""How X encodes v2."""

import json


def encode(value: object) -> bytes:
    """Return `value` as JSON in UTF-8, without spaces or needless escapes."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
