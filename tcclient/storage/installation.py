"""
Which installation of tcc a folder belongs to, and which capture servers it was used for.

Knows what of that is news, and who is told; does not know who goes by it.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct, structs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.control.client import JobList
from tcclient.ledger import bookings
from tcclient.ledger.entries import Entry
from tcclient.ledger.reading import raw_newest_first
from tcclient.runtime.appending import replace_file
from tcclient.runtime.threads import Threads
from tcclient.storage import knownservers
from tcclient.storage.installationrecord import (
    DAMAGED,
    FILE,
    VERSION,
    InstallationRecord,
    keep_installation,
    read_installation,
)
from tcclient.storage.knownservers import (
    KnownJob,
    KnownServer,
    Meeting,
    Recognised,
    of_earlier_releases,
)
from tcclient.storage.latest import Latest

log = Logger()


class Identity(Struct, frozen=True):
    """
    By what a client knows again what it has left elsewhere: the id of its installation and the key
    of its server.  `old` are the keys by which releases without installations named the same;
    `elsewhere` those of the other servers that the folder was used for.  `also` are installations
    that have left there what is this one's.
    """

    installation: str
    server: str
    old: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    also: frozenset[str] = frozenset()


class Installation:
    """
    The installation of the folder in which `ledger` is, that of what belongs to no capture.
    `base_url` and `client_id` are those of the settings, `machine` stands for this machine.
    `identity` is None until the server has been met; what is learned afterwards is kept by
    `threads`.  `note` is called with what is news for the ledger.
    """

    def __init__(
        self,
        ledger: Path,
        base_url: str,
        client_id: int,
        machine: str | None,
        threads: Threads,
        clock: IReactorTime,
        note: Callable[[Entry], object],
    ) -> None:
        self.identity: Identity | None = None
        self.made_anew: set[int] = set()
        """Ids that other jobs had when the server was met last; who has heard takes them out."""
        self._ledger = ledger
        self._path = ledger.with_name(FILE)
        self._note = note
        self._base_url = base_url
        self._address = knownservers.address(base_url)
        self._client_id = client_id
        self._machine = machine
        self._record: InstallationRecord | None = None
        self._written: InstallationRecord | None = None
        self._file = Latest(self._writing, threads, clock, self._told)
        self._refusal: OSError | None = None
        self._server = KnownServer(
            key=knownservers.key(self._address, client_id),
            client_id=client_id,
            addresses=(self._address,),
        )

    def is_here(self, base_url: str) -> bool:
        """Return whether this is an address of the server, as far as it is known."""
        return knownservers.address(base_url) in self._server.addresses

    def peek(self) -> Identity:
        """
        Return what is known of the installation before the server is met; writes nothing.  A server
        at an address that is new here counts as another one.  Raises OSError.
        """
        try:
            record = read_installation(self._path)
        except DAMAGED:
            record = None
        if record is None:
            earlier = of_earlier_releases(self._ledger, self._client_id)
            record = InstallationRecord(version=VERSION, id="", servers=earlier)
        met = Meeting(self._address, self._client_id)
        found = knownservers.recognise(record.servers, met)
        return self._identify(record, self._server if found is None else found.server)

    def meet(self, listing: JobList) -> Identity | None:
        """
        Take note that the server lists these jobs, of which enough is kept to know it again.
        Return who this client is; None where nobody can tell yet which server this is.  Raises
        OSError, also for what could not be kept since the last listing.
        """
        record = self._record
        if record is None:
            record = self._record = self._open()
        if self.identity is None:
            met = Meeting.of(self._base_url, self._client_id, listing)
            found = knownservers.recognise(record.servers, met)
            if found is None:
                return None
            self._write(record.with_server(found.server))
            self._server = found.server
            self.made_anew = knownservers.made_anew(record.servers, found.server.key, met.jobs)
            _say_made_anew(met.jobs, self.made_anew)
            self._tell(found, record.servers)
            self.identity = self._identify(record, found.server)
        elif not knownservers.known_jobs(listing.jobs).items() <= self._server.jobs.items():
            self._server = knownservers.updated(self._server, listing.jobs)
            self._record = record.with_server(self._server)
        if not self._file.is_under_way:
            self._file.renew()
        if self._refusal is not None:
            raise self._refusal
        return self.identity

    def _identify(self, record: InstallationRecord, server: KnownServer) -> Identity:
        """Return who this client is, of this installation, as a client of this server."""
        elsewhere: set[str] = set()
        for other in record.servers:
            if other.key != server.key:
                elsewhere |= _old_keys(other)
        old = set() if record.is_copy else _old_keys(server) - elsewhere
        also = frozenset(record.also)
        return Identity(record.id, server.key, frozenset(old), frozenset(elsewhere), also)

    def _open(self) -> InstallationRecord:
        """Return what the file says; begin a new installation where it says nothing of use."""
        try:
            found = self._written = read_installation(self._path)
        except DAMAGED:
            record = self._begin("damaged")
            _say_begun(f"{self._path} could not be read")
            return record
        if found is None:
            begun = raw_newest_first(self._ledger, b'"installation_begun"')
            is_removed = next(begun, None) is not None
            record = self._begin("removed" if is_removed else "new")
            if is_removed:
                _say_begun(f"{self._path} was removed")
            return record
        if None in (found.machine, self._machine):
            return structs.replace(found, machine=found.machine or self._machine)
        if found.machine != self._machine:
            record = self._begin("copied", found.servers)
            _say_copied(self._path.parent)
            return record
        return found

    def _begin(self, because: str, servers: tuple[KnownServer, ...] = ()) -> InstallationRecord:
        """Return a new installation, which is in the file.  Raises OSError."""
        record = InstallationRecord(
            version=VERSION,
            id=secrets.token_hex(6),
            machine=self._machine,
            is_copy=because == "copied",
            servers=servers or of_earlier_releases(self._ledger, self._client_id),
        )
        self._write(record)
        self._note(bookings.InstallationBegun(id=record.id, because=because))
        return record

    def _tell(self, found: Recognised, known: Iterable[KnownServer]) -> None:
        """Log and note that the server is known under another address, or is another one."""
        before = sorted({a for one in known for a in one.addresses} - {self._address})
        if found.by is None and before:
            log.warn(
                "The capture server at {address} is another one than that of {others}, for which "
                "this folder was used: neither its id nor a job agrees. What was left at X for the "
                "other one stays there: see tcc-rules list.",
                address=self._address,
                others=", ".join(before),
            )
        elif found.by in ("id", "jobs") and not any(
            self._address in one.addresses for one in known
        ):
            log.info(
                "The capture server at {address} is the one of {before}: its {by} agree. Rules, "
                "budget and totals go on.",
                address=self._address,
                before=", ".join(a for a in found.server.addresses if a != self._address),
                by="ids" if found.by == "id" else "jobs",
            )
        else:
            return
        self._note(
            bookings.ServerMet(
                server=self._base_url, key=found.server.key, by=found.by, known=tuple(before)
            )
        )

    def _write(self, record: InstallationRecord) -> None:
        """Replace the file, where it says anything else.  Raises OSError."""
        if record != self._written:
            replace_file(self._path, msgspec.json.encode(record))
        self._record = self._written = record

    def _writing(self) -> Callable[[], object]:
        """Return what keeps all that is known now."""
        path, record = self._path, self._record

        def act() -> None:
            if record is not None:
                self._written = keep_installation(path, record)

        return act

    def _told(self, refusal: OSError | None) -> None:
        record, written = self._record, self._written
        self._refusal = None if record == written else refusal
        if record is not None and written is not None and record.id in written.also:
            self._record = joined = written.joined(record)
            self._server = next(one for one in joined.servers if one.key == self._server.key)
            _say_back(self._path.parent, written.id, record.id)
            self._note(bookings.InstallationBegun(id=written.id, because="came_back"))


def _say_begun(why: str) -> None:
    log.error(
        "{why}: a new installation has begun. What the former one has left elsewhere, such as "
        "rules at X, is not touched: see tcc-rules list.",
        why=why,
    )


def _say_copied(folder: Path) -> None:
    log.warn(
        "{folder} was copied from another machine: a new installation has begun here. What "
        "the other one has left elsewhere, such as rules at X, is not touched: see "
        "tcc-rules list.",
        folder=str(folder),
    )


def _say_back(folder: Path, id: str, interim: str) -> None:
    log.warn(
        "{folder} was away, and is there again: installation {id} goes on, with what {interim} has "
        "left elsewhere, which had begun in its place.",
        folder=str(folder),
        id=id,
        interim=interim,
    )


def _say_made_anew(jobs: Mapping[int, KnownJob], anew: Iterable[int]) -> None:
    for id in anew:
        log.warn(
            "Job {id} is another one than before, as its name {name!r} and its date of creation "
            "say: it begins with nothing of what was captured for that.",
            id=id,
            name=jobs[id].name,
        )


def _old_keys(server: KnownServer) -> set[str]:
    """Return the keys by which releases without installations named a server, one an address."""
    return {knownservers.key(address, server.client_id) for address in server.addresses}
