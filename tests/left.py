"""A folder as a killed client leaves it, while the one that is to count as killed goes on."""

import shutil
from pathlib import Path

import msgspec

from tcclient.ledger.state import LedgerState


def leave(folder: Path, left: Path) -> Path:
    """
    Copy a folder to where there is none; return that.  To a client its ledgers are not copies: what
    is kept beside each of them names the file that is there.
    """
    shutil.copytree(folder, left)
    for path in filter(Path.is_file, left.rglob(".*.ledger.state")):
        state = msgspec.json.decode(path.read_bytes(), type=LedgerState)
        ledger = path.with_name(f"{path.name[1:].removesuffix('.state')}.jsonl")
        if state.inode is not None and ledger.exists():
            state.inode = ledger.stat().st_ino
            path.write_bytes(msgspec.json.encode(state).ljust(path.stat().st_size))
    return left
