"""
What a ledger can say: one type a kind of line, and the JSON Schema of them all.

Knows the shape of lines; writes none.  `python -m tcclient.ledger.entries` prints the schema that
lies in the package's folder as ledger.schema.json.

Times are UTC as `2026-11-23T16:10:00.000Z`, in every member that says when; lengths of time are in
seconds.  A member that has nothing to say is left out.
"""

import inspect
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from tcclient.ledger.counters import Account

VERSION = 1
"""
Of the schema.  A new kind or a new member that may be left out does not change it: readers pass
over what they do not know.
"""

_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"

Moment = Annotated[str, Meta(pattern=_MOMENT)]
_Count = Annotated[int, Meta(ge=0)]
_Seconds = Annotated[float, Meta(ge=0)]


def moment(seconds: float) -> Moment:
    """Epoch seconds as a ledger writes them, to the millisecond."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def seconds(text: Moment) -> float:
    """The other way round."""
    return datetime.fromisoformat(text).timestamp()


def _kind(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Entry(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="kind",
    tag=_kind,
):
    """A line less `at` and `job`, which the ledger adds.  Its kind is the name of its type."""

    @property
    def kind(self) -> str:
        return str(self.__struct_config__.tag)

    def members(self) -> dict[str, Any]:
        """As JSON has them, `kind` first."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


class Term(Struct, frozen=True):
    """A term that is left out, and why."""

    term: str
    reason: str


class Rule(Struct, frozen=True):
    """A rule at X."""

    id: str
    value: str


class Asked(Struct, frozen=True, omit_defaults=True):
    """What a source is asked for: v1.1's `track` and `locations` (west, south, east, north), or
    v2's clauses.  All empty, it is the sample of all posts."""

    track: tuple[str, ...] = ()
    locations: tuple[tuple[float, float, float, float], ...] = ()
    clauses: tuple[str, ...] = ()


class ClientStart(Entry, frozen=True):
    """The client begins.  `boot` names the time that the machine has been up, `settings` is a
    hash of the settings without their secrets."""

    schema: int
    version: str
    python: str
    host: str
    pid: int
    server: str
    boot: str | None = None
    settings: str | None = None


class ClientStop(Entry, frozen=True):
    """The client has ended as it should."""

    pid: int


class Job(Entry, frozen=True):
    """A capture gets its folder: under which name the job was captured."""

    server: str
    name: str


class ServerFails(Entry, frozen=True):
    """The capture server fails at something it is asked, for a reason that is news."""

    doing: str
    reason: str


class ServerAnswers(Entry, frozen=True):
    """It succeeds again, after so long."""

    doing: str
    after: _Seconds


class CaptureOpen(Entry, frozen=True):
    """The client takes the folder.  `boot` names the time that the machine has been up."""

    schema: int
    name: str
    account: Account
    boot: str | None = None


class CaptureClose(Entry, frozen=True):
    """The client lets the folder go."""

    account: Account


class CaptureStart(Entry, frozen=True):
    """The capture is to run.  `because` says who wants it: `started` by a researcher, or `resumed`,
    as it was running."""

    because: str
    status: int


class CaptureStop(Entry, frozen=True):
    """The capture is not to run.  `because`: `stopped` by a researcher, `withdrawn` (archived,
    deleted or reassigned), `renamed`: it goes on in another folder, or `left`: the client ends, and
    a restart resumes it.  What came until `covered` is on the disk.  Where it took long to finish,
    nothing was wanted any more from `since` on."""

    because: str
    status: int
    covered: Moment | None = None
    since: Moment | None = None


class Keywords(Entry, frozen=True):
    """The keyword text is read first, or has changed, and how it was understood."""

    before: str | None
    after: str | None
    asked: Asked | None = None
    refused: tuple[Term, ...] = ()


class KeywordsInForce(Entry, frozen=True):
    """From `since` on posts come for this keyword text.  On v2 the old rules may still match."""

    text: str | None
    since: Moment


class RulesAccepted(Entry, frozen=True):
    """v2: X has taken rules of the capture, which work within so many seconds."""

    rules: tuple[Rule, ...]
    works_in: _Seconds


class RulesDeleted(Entry, frozen=True):
    """v2: X has taken off rules of the capture; they may match a little longer."""

    rules: tuple[Rule, ...]


class TermsRefused(Entry, frozen=True):
    """v2: X does not take these terms; the others run."""

    refused: tuple[Term, ...]


class RulesFailed(Entry, frozen=True):
    """v2: the rules cannot be kept up to date, for a reason that is news."""

    reason: str
    wait: _Seconds


class SampleRefused(Entry, frozen=True):
    """v2: a capture without keywords does not run."""

    reason: str


class Connected(Entry, frozen=True):
    """The stream answers: posts come from now on.  `rules` are the ids of the capture's."""

    endpoint: str
    status: int
    failed_attempts: _Count
    asked: Asked | None = None
    rules: tuple[str, ...] = ()


class Ended(Entry, frozen=True):
    """What the ends of connections and of attempts have in common."""

    cause: str
    detail: str
    trouble: str | None = None
    wait: _Seconds | None = None
    status: int | None = None
    explanation: str | None = None
    incomplete: _Count | None = None


class Disconnected(Ended, frozen=True):
    """
    The stream has ended; the last byte came `silent` seconds before.  With `overlap` another stream
    of the capture is heard, and both were open for so many seconds: nothing is missing then.
    """

    silent: _Seconds | None = None
    overlap: _Seconds | None = None


class NotConnected(Ended, frozen=True):
    """An attempt has failed."""


class Gap(Entry, frozen=True):
    """
    Posts were wanted, and there was no connection from `begin`, a little before the last byte, to
    `end`, the first.

    `cause` and `detail` say why it began: as in `disconnected`, or `start`, `client_stopped`,
    `crash`.  So many `attempts` failed; `status` and `explanation` are the last one's.  `keywords`
    is the text that was wanted.  `backfill`: X was asked for so many minutes before the end, and
    did not refuse.
    """

    begin: Moment
    end: Moment
    seconds: _Seconds
    cause: str
    detail: str
    attempts: _Count
    keywords: str | None
    status: int | None = None
    explanation: str | None = None
    backfill: int | None = None


class File(Entry, frozen=True):
    """A file has its final name.  `account` has the numbers after it, where a job is known."""

    name: str
    posts: _Count
    bytes: _Count
    sha256: str | None = None
    first_id: str | None = None
    last_id: str | None = None
    first_arrival: Moment | None = None
    last_arrival: Moment | None = None
    recovered: bool = False
    account: Account | None = None


class Adopting(Entry, frozen=True):
    """Which files stood there before the account began.  They are read through; see `adopted`."""

    names: tuple[str, ...]


class Adopted(Entry, frozen=True):
    """A file that stood there before the account began has been read."""

    name: str
    posts: _Count
    bytes: _Count
    sha256: str


class Torn(Entry, frozen=True):
    """A crash cut the last line of a file; its bytes are in this one."""

    name: str
    bytes: _Count


class LedgerRepaired(Entry, frozen=True):
    """A crash cut the ledger's own last line."""

    cut_bytes: _Count


class LinesDropped(Entry, frozen=True):
    """Lines of the ledger that found no room while the disk took none."""

    lines: _Count


class NotStored(Entry, frozen=True):
    """Posts that had arrived and are not on the disk.  `counted`: they had been, and are among the
    posts of the account all the same."""

    posts: _Count
    reason: str
    counted: bool = False


class DiskTrouble(Entry, frozen=True):
    """The disk does not take what has arrived: nothing more is read until it does."""

    reason: str


class DiskRecovered(Entry, frozen=True):
    """The disk takes posts again, after so long."""

    after: _Seconds


class ClockStep(Entry, frozen=True):
    """This machine's clock was set forward, or back where `seconds` is negative.  `at` is by the
    new time.  Where the machine slept it looks the same as set forward."""

    seconds: float


class Update(Entry, frozen=True):
    """The server has taken a count."""

    count: _Count
    account: Account


class Base(Entry, frozen=True):
    """The server's total was above ours.  `after_crash`: these may be posts that were counted and
    did not survive it; otherwise they were captured elsewhere."""

    raised_by: _Count
    account: Account
    after_crash: bool = False


class BudgetUnkept(Entry, frozen=True):
    """v2: what is spent cannot be kept on disk, so that nothing is captured."""

    reason: str


class BudgetExhausted(Entry, frozen=True):
    """
    v2: a limit of `twitter.budget` is reached.  Of the posts spent `estimated` are not counted but
    taken for what came before the client was killed: there were that many at most.
    """

    name: str
    spent: _Count
    limit: _Count
    until: Moment
    estimated: _Count = 0


class BudgetRenewed(Entry, frozen=True):
    """v2: posts may be bought again."""


class ForeignPosts(Entry, frozen=True):
    """v2: posts that X delivered, and billed, and no capture here asked for, by the id of the rule
    that they matched, `""` for none."""

    by_rule: dict[str, int]


class DeliveredAgain(Entry, frozen=True):
    """Posts that had come before, and are stored once: of v2's backfill, or, on v1.1, over both
    streams at a change of keywords."""

    posts: _Count


class Said(Entry, frozen=True):
    """What the source said besides posts, as it came."""

    message: Any


class Delete(Said, frozen=True):
    """v1.1: a post was deleted."""


class ScrubGeo(Said, frozen=True):
    """v1.1: a user took the places from posts."""


class StatusWithheld(Said, frozen=True):
    """v1.1: a post is withheld in countries."""


class UserWithheld(Said, frozen=True):
    """v1.1: a user is withheld in countries."""


class Limit(Said, frozen=True):
    """v1.1: posts matched that were not delivered.  `undelivered` is an estimate for the capture
    since it was opened: see `limits`."""

    undelivered: _Count


class Warning(Said, frozen=True):
    """v1.1: Twitter warns, of a slow reader for one."""


class Event(Said, frozen=True):
    """v1.1: something about the account."""


class Disconnect(Said, frozen=True):
    """The other side says why it ends the connection."""


class Unknown(Said, frozen=True):
    """JSON that is no post, and of no kind that is known."""


class ConnectionLimit(Entry, frozen=True):
    """v1.1: Twitter says, not in JSON, that there are too many connections."""

    text: str


class Refused(Entry, frozen=True):
    """A line that is no message."""

    reason: str
    bytes: _Count
    begins: str


ROUTINE = (Said, Refused, NotConnected, ForeignPosts, DeliveredAgain)
"""What comes often, and is the first to go where there is no room for all lines."""


def _leaves(type_: type[Entry]) -> list[type[Entry]]:
    below = type_.__subclasses__()
    return [leaf for sub in below for leaf in _leaves(sub)] if below else [type_]


KINDS: Mapping[str, type[Entry]] = {
    str(type_.__struct_config__.tag): type_ for type_ in _leaves(Entry)
}
"""Kind -> its type."""

E = TypeVar("E", bound=Entry)


def as_line(entry: Entry, job: int | None, now: float) -> bytes:
    """As it stands in a ledger; `job` is the id of the one that it is about, if any."""
    kind, *others = entry.members().items()
    about = {} if job is None else {"job": job}
    members = {"at": moment(now), **dict([kind]), **about, **dict(others)}
    return json.dumps(members).encode() + b"\n"


def read(line: Mapping[str, Any]) -> Entry | None:
    """
    The entry in a line of a ledger; None for one of a kind that is not known here, or not as it
    should be.  Members that are not known are passed over.
    """
    kind = line.get("kind")
    type_ = KINDS.get(kind) if isinstance(kind, str) else None
    if type_ is None:
        return None
    known = {name: line[name] for name in ("kind", *type_.__struct_fields__) if name in line}
    try:
        return msgspec.convert(known, type_)
    except msgspec.ValidationError:
        return None


def schema() -> dict[str, Any]:
    """The JSON Schema of a line."""
    references, components = msgspec.json.schema_components(
        KINDS.values(), ref_template="#/$defs/{name}"
    )
    for component in components.values():
        if "description" in component:
            # Python 3.13 takes the indentation out of a docstring, those before leave it in.
            component["description"] = inspect.cleandoc(component["description"])
    for reference in references:
        kind = components[reference["$ref"].rpartition("/")[2]]
        at = {"type": "string", "pattern": _MOMENT}
        kind["properties"] = {"at": at, "job": {"type": "integer"}, **kind["properties"]}
        kind["required"] = ["at", *kind["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of a ledger of tcc, version {VERSION}",
        "anyOf": list(references),
        "$defs": components,
    }


if __name__ == "__main__":
    print(json.dumps(schema(), indent=1))
