"""How X encodes v2."""

import json


def encode(value: object) -> bytes:
    """UTF-8, nothing escaped that need not be, no spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
