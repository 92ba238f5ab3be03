"""
The capture servers for which a folder was used by releases that had no installations.

Knows which lines of the ledger name them; does not know who goes by it.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from tcclient.ledger.reading import raw_newest_first
from tcclient.storage import knownservers
from tcclient.storage.knownservers import KnownJob, KnownServer


def of_earlier_releases(ledger: Path, client_id: int) -> tuple[KnownServer, ...]:
    """
    Return the servers that the ledger of what belongs to no capture knows, the newest last: those
    with a job, as nothing is left elsewhere without one.
    """
    jobs: dict[str, dict[int, KnownJob]] = {}
    address = cache(knownservers.address)
    for line in _lines_that_name_servers(ledger):
        here = jobs.setdefault(address(line["server"]), {})
        job, name = line.get("job"), line.get("name")
        if line["kind"] == "job" and type(job) is int and isinstance(name, str):
            here.setdefault(job, KnownJob(name))
        if len(here) > 2 * knownservers.MOST_JOBS:
            for old in sorted(here)[: -knownservers.MOST_JOBS]:
                del here[old]
    return knownservers.joined(
        KnownServer(
            key=knownservers.key(server, client_id),
            client_id=client_id,
            addresses=(server,),
            jobs=jobs[server],
        )
        for server in reversed(jobs)
        if jobs[server]
    )


def _lines_that_name_servers(ledger: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the lines of a ledger with the address of a server, the newest first."""
    for raw in raw_newest_first(ledger, b'"server"'):
        try:
            line = msgspec.json.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        if isinstance(line, dict) and isinstance(line.get("server"), str):
            yield line
