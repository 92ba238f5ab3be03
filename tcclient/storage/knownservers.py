"""
The capture servers that a folder was used for, also by releases that had no installations, and
which of them one is that is met again.  Pure.

Knows what two readings of one server have in common; asks none.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, structs

from tcclient.control.client import JobList
from tcclient.control.jobs import Job
from tcclient.ledger.reading import raw_newest_first
from tcclient.runtime.failures import storable
from tcclient.storage import knownservers

MOST_JOBS = 1_000
"""How many jobs of a server are remembered, to know it again: the newest ones."""
_LONGEST_NAME = 100


class KnownJob(Struct, frozen=True, omit_defaults=True):
    """What tells a job from another one of the same id; `created` is None where nobody noted it."""

    name: str
    created: str | None = None


class KnownServer(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """
    A server, as one client of it has met it.  `key` names it in tags and names of files, whatever
    its address is; `id` is what it calls itself, if it does.
    """

    key: str
    client_id: int
    addresses: tuple[str, ...]
    id: str | None = None
    jobs: dict[int, KnownJob] = {}


class Meeting(Struct, frozen=True):
    """A server as it is met: under which address, as which client, and what it says of itself."""

    address: str
    client_id: int
    id: str | None = None
    jobs: Mapping[int, KnownJob] = {}

    @classmethod
    def of(cls, base_url: str, client_id: int, listing: JobList) -> "Meeting":
        """Return the meeting at which a server listed these jobs."""
        return cls(address(base_url), client_id, listing.server_id, known_jobs(listing.jobs))


class Recognised(Struct, frozen=True):
    """
    The server that was met, as it is known from now on.  It was known `by` its `address`, or under
    another one by its `id` or its `jobs`; None for a server that is new here.
    """

    server: KnownServer
    by: str | None


def address(base_url: str) -> str:
    """
    Return a server's address in one spelling: scheme, closing slash and the case of the host make
    no difference.
    """
    url = urlsplit(base_url.strip())
    return f"{url.netloc.lower()}{url.path.rstrip('/')}"


def key(server: str, client_id: int) -> str:
    """Return eight hexadecimal digits that stand for a client of the server at this address."""
    return hashlib.sha256(f"{server}\n{client_id}".encode()).hexdigest()[:8]


def known_jobs(jobs: Iterable[Job]) -> dict[int, KnownJob]:
    """Return what is remembered of the jobs."""
    newest = sorted(jobs, key=lambda job: job.id)[-MOST_JOBS:]
    return {job.id: _known(job) for job in newest}


def _known(job: Job) -> KnownJob:
    created = None if job.created is None else storable(job.created)
    return KnownJob(storable(job.name[:_LONGEST_NAME]), created)


def recognise(known: Sequence[KnownServer], met: Meeting) -> Recognised | None:
    """
    Return which server is met: one with the same id, or at the same address, or one whose jobs
    agree, and otherwise a new one.  Return None where nobody can tell yet: other servers are known,
    and this one lists no job.
    """
    mine = [server for server in known if server.client_id == met.client_id]
    by_id = [one for one in mine if met.id is not None and one.id == met.id]
    # What calls itself otherwise is another server, at whatever address.
    possible = [one for one in mine if met.id is None or one.id is None]
    by_address = [one for one in possible if met.address in one.addresses]
    by_jobs = [one for one in possible if agree(one.jobs, met.jobs)]
    for by, found in (("id", by_id), ("address", by_address), ("jobs", by_jobs)):
        if found:
            is_moved = met.address not in found[-1].addresses
            server = _with(found[-1], (met.address,), met.id, met.jobs)
            return Recognised(server, by if is_moved else "address")
    if possible and not met.jobs:
        return None
    return Recognised(_new(known, met), None)


def made_anew(known: Iterable[KnownServer], key: str, jobs: Mapping[int, KnownJob]) -> set[int]:
    """
    Return the ids of jobs that are others than those that the server with this key had under them,
    as its database was lost: neither name nor date of creation agrees.
    """
    before = next((one.jobs for one in known if one.key == key), {})
    common = jobs.keys() & before.keys()
    return {id for id in common if _is_another(jobs[id], before[id])}


def _is_another(job: KnownJob, former: KnownJob) -> bool:
    """Return whether it is certain that this is not the former job, under another name."""
    is_dated = job.created is not None and former.created is not None
    return is_dated and job.created != former.created and job.name != former.name


def updated(server: KnownServer, jobs: Iterable[Job]) -> KnownServer:
    """Return the server with these jobs, as they are listed."""
    return _with(server, (), None, known_jobs(jobs))


def agree(jobs: Mapping[int, KnownJob], others: Mapping[int, KnownJob]) -> bool:
    """
    Return whether these are jobs of one server: at least one has the same id, name and date of
    creation in both, and no id has two dates.  A date that is not known says nothing; then no job
    may have two names.
    """
    common = [(jobs[id], others[id]) for id in jobs.keys() & others.keys()]
    return any(a.name == b.name for a, b in common) and all(
        a.created == b.created if a.created and b.created else a.name == b.name for a, b in common
    )


def joined(servers: Iterable[KnownServer]) -> tuple[KnownServer, ...]:
    """Return the servers, those in one whose jobs agree; the key is that of the first."""
    found: list[KnownServer] = []
    for server in servers:
        for at, other in enumerate(found):
            if other.client_id == server.client_id and agree(other.jobs, server.jobs):
                both = _with(other, server.addresses, server.id, server.jobs)
                found[at] = structs.replace(both, key=server.key)
                break
        else:
            found.append(server)
    return tuple(found)


def together(
    servers: Iterable[KnownServer], others: Iterable[KnownServer]
) -> tuple[KnownServer, ...]:
    """Return the servers and the others, with what is newer of one in both from the others."""
    found = {server.key: server for server in servers}
    for other in others:
        known = found.get(other.key)
        both = known and _with(known, other.addresses, other.id, other.jobs)
        found[other.key] = both or other
    return tuple(found.values())


def _with(
    server: KnownServer, addresses: Iterable[str], id: str | None, jobs: Mapping[int, KnownJob]
) -> KnownServer:
    """Return the server with these addresses last, and with what is newer of its jobs."""
    all_jobs = {**server.jobs, **jobs}
    kept = sorted(all_jobs)[-MOST_JOBS:]
    return structs.replace(
        server,
        addresses=tuple(dict.fromkeys((*server.addresses, *addresses))),
        id=id or server.id,
        jobs={job_id: all_jobs[job_id] for job_id in kept},
    )


def _new(known: Iterable[KnownServer], met: Meeting) -> KnownServer:
    """Return a server that is new here; its key is no other's, even if the address was."""
    taken = {server.key for server in known}
    spellings = (met.address, f"{met.address}\n{met.id}")
    free = (key(spelling, met.client_id) for spelling in spellings)
    return KnownServer(
        key=next(one for one in free if one not in taken),
        client_id=met.client_id,
        addresses=(met.address,),
        id=met.id,
        jobs=dict(met.jobs),
    )


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
