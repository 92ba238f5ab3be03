"""
The file that says which installation of tcc a folder belongs to.

Knows how it is read and kept; does not know who goes by it.
"""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, structs

from tcclient.runtime.appending import replace_file
from tcclient.runtime.fixedfiles import read_file
from tcclient.storage import knownservers
from tcclient.storage.knownservers import KnownServer

FILE = "tcc.installation.json"
"""Name of the file in base_dir."""
VERSION = 1

_MOST = 64 << 20
"""Bytes that are read of it; a job has some fifty."""

DAMAGED = (msgspec.MsgspecError, UnicodeDecodeError)
"""What is raised for a file that does not say it."""

_Id = Annotated[str, Meta(pattern=r"^[0-9a-f]{12}$")]


class InstallationRecord(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """
    What the file says: a random id, the machine that it is bound to (hashed; None where that has no
    id), and the servers.  `also` are installations that began in place of this folder while it was
    away: what they have left at a source is this one's.  `is_copy` says that the folder came from
    another machine, so that what earlier releases left there is not.
    """

    version: int
    id: _Id
    machine: str | None = None
    is_copy: bool = False
    also: tuple[_Id, ...] = ()
    servers: tuple[KnownServer, ...] = ()

    def with_server(self, server: KnownServer) -> "InstallationRecord":
        """Return the record with what is known of the server."""
        others = (one for one in self.servers if one.key != server.key)
        return structs.replace(self, servers=(*others, server))

    def joined(self, other: "InstallationRecord") -> "InstallationRecord":
        """Return this installation, which has what another one has left and known."""
        also = {*self.also, *other.also, other.id} - {self.id}
        servers = knownservers.together(self.servers, other.servers)
        return structs.replace(self, also=tuple(sorted(also)), servers=servers)


def read_installation(path: Path) -> InstallationRecord | None:
    """Return what the file says; None if there is no file.  Raises OSError and what is DAMAGED."""
    try:
        content = read_file(path, _MOST)
    except FileNotFoundError:
        return None
    return msgspec.json.decode(content, type=InstallationRecord)


def keep_installation(path: Path, record: InstallationRecord) -> InstallationRecord:
    """
    Have the file say what the record does.  Where it is that of another installation of this
    machine, its folder was away and has come back: then that one goes on, and has what this one
    knows and has left.  Return what the file says.  Raises OSError.
    """
    try:
        found = read_installation(path)
    except DAMAGED:
        found = None
    is_here = found is not None and found.machine == record.machine
    if found is not None and is_here and found.id not in (record.id, *record.also):
        record = found.joined(record)
    if record != found:
        replace_file(path, msgspec.json.encode(record))
    return record
