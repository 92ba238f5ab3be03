"""The faults that only v2 has: refusals of its own, in-stream errors, and changes of the plan."""

import re
from abc import abstractmethod
from typing import Annotated, Literal

import attrs
import msgspec
from twisted.web.server import Request

from tcsandbox.twitter.common.faults import AnswerFault, Count, Seconds, SimulatorFault, StreamFault
from tcsandbox.twitter.common.stream import Stream
from tcsandbox.twitter.v2 import problems
from tcsandbox.twitter.v2.plan import Plan
from tcsandbox.twitter.v2.problems import Reply
from tcsandbox.twitter.v2.stream import DisconnectType, disconnect

Period = Literal["Daily", "Monthly"]
Delay = Annotated[float, msgspec.Meta(ge=0)]


class RefusalFault(AnswerFault):
    """A refusal that X knows, sent in place of any answer to the next `times` requests."""

    @abstractmethod
    def reply(self, now: float) -> Reply:
        """Return the refusal of a request made at `now`."""

    def answer(self, request: Request, now: float) -> int:
        """Send the refusal and return its status."""
        return self.reply(now).send(request)


class TooManyConnections(RefusalFault):
    """Answers 429: the slots are taken, though the headers show requests left, as X's do."""

    def reply(self, now: float) -> Reply:
        return problems.TOO_MANY_CONNECTIONS.with_headers(_headers(42, int(now) + 600))


class RateLimited(RefusalFault):
    """Answers 429 with code 88; the limit resets in `seconds`, which are not scaled."""

    seconds: Seconds = 900.0

    def reply(self, now: float) -> Reply:
        return problems.RATE_LIMITED.with_headers(_headers(0, int(now + self.seconds)))


class Provisioning(RefusalFault):
    """Answers 503: the subscription is not there yet."""

    def reply(self, now: float) -> Reply:
        return problems.PROVISIONING


class RulesInvalid(RefusalFault):
    """Answers 409: some rule is valid no longer."""

    def reply(self, now: float) -> Reply:
        return problems.RULES_INVALID


class NotEnrolled(RefusalFault):
    """Answers 403: the app belongs to no project, or `reason`."""

    reason: str = "client-not-enrolled"

    def reply(self, now: float) -> Reply:
        return problems.forbidden(self.reason)


class UsageCap(RefusalFault):
    """Answers 429 or 403: the plan's posts are used up."""

    period: Period = "Monthly"
    status: Literal[403, 429] = 429
    scope: Literal["Account", "Product"] = "Product"

    def reply(self, now: float) -> Reply:
        return problems.usage_capped(self.status, self.period, self.scope)


class NoCredits(RefusalFault):
    """Answers 402, 403 or 429: nothing is left to pay with."""

    status: Literal[402, 403, 429] = 403

    def reply(self, now: float) -> Reply:
        return problems.no_credits(self.status)


class InvalidToken(RefusalFault):
    """Answers 401 though the token is good: with code 89 or, without a code, a problem object."""

    code: Literal[89] | None = 89

    def reply(self, now: float) -> Reply:
        return problems.EXPIRED if self.code else problems.UNAUTHORIZED


class StreamError(StreamFault, tag="stream-error"):
    """
    Sends an error of `disconnect_type` and, unless `close` is false, ends the stream.  As some
    recorded streams had it, a `bare` one does not stand among `errors`.
    """

    disconnect_type: DisconnectType = "UpstreamOperationalDisconnect"
    close: bool = True
    bare: bool = False

    def strike(self, stream: Stream) -> None:
        error = disconnect(self.disconnect_type)
        stream.tell(error if self.bare else {"errors": [error]})
        if self.close:
            stream.wire.end()


class TopLevelError(StreamFault):
    """Ends the stream with a problem that stands by itself, of a kind that says no type."""

    title: Literal["client-disconnected", "ConnectionException"] = "client-disconnected"

    def strike(self, stream: Stream) -> None:
        bodies = {
            "client-disconnected": problems.problem(
                "client-disconnected", "The client was disconnected.", "client-disconnected"
            ),
            "ConnectionException": problems.TOO_MANY_CONNECTIONS.body,
        }
        stream.tell(bodies[self.title])
        stream.wire.end()


class Partial(StreamFault):
    """Sends a post with an error beside its data."""

    def strike(self, stream: Stream) -> None:
        post, note = stream.draw_post()
        error = problems.problem(
            "Not Found Error", "Could not find user with author_id: [1].", "resource-not-found"
        )
        more = {"value": "1", "resource_id": "1", "resource_type": "user"}
        errors = msgspec.json.encode([{**error, **more, "parameter": "author_id"}])
        whole = post.removesuffix(b"}\r\n") + b',"errors":' + errors + b"}\r\n"
        stream.send_posts([whole], [note])


class Unnamed(StreamFault):
    """Sends `count` posts that name no rule; with `numbers`, all ids are numbers without tags."""

    count: Count = 1
    numbers: bool = False

    def strike(self, stream: Stream) -> None:
        for post, note in [stream.draw_post() for _ in range(self.count)]:
            head, member, rules = post.rpartition(b',"matching_rules":')
            whole = head + b"}\r\n"
            if self.numbers:
                post_id = str(note).partition(" ")[0].encode()
                head = head.replace(b'"id":"%s"' % post_id, b'"id":%s' % post_id, 1)
                whole = head + member + re.sub(rb'"(\d+)"(,"tag":"[^"]*")?', rb"\1", rules)
            stream.send_posts([whole], [note])


class ExpireToken(SimulatorFault):
    """Ends all bearer tokens; one that is bought afterwards is valid."""


class ForeignRule(SimulatorFault):
    """Adds a rule as another program with the same keys would; it works after the usual delay."""

    value: str = "foreign"
    tag: str | None = None


class ChangePlan(SimulatorFault, tag="plan"):
    """Changes members of the Plan; rules already accepted keep their times."""

    rule_delay: Delay | None = None
    delete_delay: Delay | None = None
    rule_cap: Count | None = None
    rule_length: Count | None = None
    undeletable: bool | None = None
    atomic: bool | None = None
    box_miles: Seconds | None = None
    connections: Count | None = None
    linger: Delay | None = None
    rule_reads: Count | None = None
    rule_changes: Count | None = None
    stream_connects: Count | None = None
    connection_reads: Count | None = None
    connection_ends: Count | None = None
    usage_reads: Count | None = None
    usage_cap: Count | None = None
    usage_reset_day: Count | None = None
    connections_api: bool | None = None
    post_names: bool | None = None
    embeddings: bool | None = None
    enrolled: bool | None = None
    sample: bool | None = None
    backfill: bool | None = None

    def applied_to(self, plan: Plan) -> Plan:
        """Return `plan` with the members given here."""
        given = {name: getattr(self, name) for name in attrs.fields_dict(Plan)}
        return attrs.evolve(plan, **{n: v for n, v in given.items() if v is not None})


AppFault = ExpireToken | ForeignRule | ChangePlan


def _headers(left: int, reset: int) -> dict[str, str]:
    """Return the headers of a rate limit of 50, of which `left` are left until the time `reset`."""
    values = {"limit": 50, "remaining": left, "reset": reset}
    return {f"x-rate-limit-{name}": str(value) for name, value in values.items()}
