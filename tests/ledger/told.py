"""What a ledger tells, over all its files, for tests that look at its lines."""

import json
from pathlib import Path
from typing import Any

from tcclient.ledger.segments import files


def told(path: Path) -> list[dict[str, Any]]:
    """
    The lines, decoded, the oldest first, without those that only say how a file begins.  Each must
    be whole.
    """
    content = b"".join(file.read_bytes() for file in files(path))
    assert not content or content.endswith(b"\n"), content[-100:]
    lines = [json.loads(line) for line in content.splitlines()]
    return [line for line in lines if line["kind"] != "ledger_begin"]
