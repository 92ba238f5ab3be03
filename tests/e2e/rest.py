"""What a person's script asks a capture server."""

import json
import urllib.request
from typing import Any

from twisted.internet.threads import deferToThread


async def ask(base_url: str, key: str, method: str, path: str, members: dict[str, Any]) -> Any:
    """What REST answers; None where it answers nothing."""
    request = urllib.request.Request(
        f"{base_url}{path}",
        json.dumps(members).encode() if members else None,
        {"Authorization": f"Token {key}", "Content-Type": "application/json"},
        method=method,
    )

    def fetch() -> Any:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    return await deferToThread(fetch)
