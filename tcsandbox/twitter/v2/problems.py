"""How X API v2 words refusals, by openapi.json at docs.x.com and by what clients recorded."""

from collections.abc import Mapping, Sequence

import attrs
import msgspec
from twisted.web.server import Request

from tcsandbox.twitter.common.answers import answer
from tcsandbox.twitter.common.text import Json

PROBLEMS = "https://api.twitter.com/2/problems/"


@attrs.frozen
class Reply:
    """A whole answer; `body` is sent as JSON."""

    status: int
    body: Json
    headers: Mapping[str, str] = attrs.Factory(dict)

    def with_headers(self, headers: Mapping[str, str]) -> "Reply":
        """Return this answer with more headers."""
        return attrs.evolve(self, headers={**self.headers, **headers})

    def send(self, request: Request) -> int:
        """Answer `request` with this and close the connection; return the status."""
        headers = {"Content-Type": "application/json; charset=utf-8", **self.headers}
        answer(request, self.status, msgspec.json.encode(self.body), headers)
        return self.status


class Denied(Exception):
    """Raised when a request is to be answered with `reply`, and nothing else is to happen."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status}")
        self.reply = reply


def problem(title: str, detail: str, kind: str, **more: object) -> Json:
    """Return a problem object; `kind` is the end of its type, or "about:blank"."""
    type_ = kind if kind == "about:blank" else f"{PROBLEMS}{kind}"
    return {"title": title, "detail": detail, "type": type_, **more}


def coded(status: int, code: int, message: str, **more: object) -> Reply:
    """Return a refusal in the older form: an error with a number."""
    return Reply(status, {"errors": [{"code": code, "message": message, **more}]})


def _plain(status: int, words: str) -> Reply:
    return Reply(status, problem(words, words, "about:blank", status=status))


def _connection(status: int, issue: str, detail: str) -> Reply:
    """Return the refusal of a stream; `issue` is the `connection_issue`."""
    body = problem("ConnectionException", detail, "streaming-connection", connection_issue=issue)
    return Reply(status, body)


UNAUTHORIZED = _plain(401, "Unauthorized")  # no bearer token, or one that never was valid
EXPIRED = coded(401, 89, "Invalid or expired token")  # a bearer token that is valid no longer
UNVERIFIED = coded(  # wrong keys at the token endpoint
    403, 99, "Unable to verify your credentials", label="authenticity_token_error"
)
# Too many requests in this window, as streams and as other endpoints say it; headers say more.
RATE_LIMITED = coded(429, 88, "Rate limit exceeded")
TOO_MANY_REQUESTS = _plain(429, "Too Many Requests")

TOO_MANY_CONNECTIONS = _connection(  # all slots are taken: the new stream loses
    429, "TooManyConnections", "This stream is currently at the maximum allowed connection limit."
)
NO_RULES = _connection(
    409,
    "RuleConfigurationIssue",
    "You must define rules using the POST /2/tweets/search/stream/rules endpoint "
    "before connecting to filtered stream.",
)
PROVISIONING = _connection(
    503,
    "ProvisioningSubscription",
    "Your subscription change is currently being provisioned, please try again later.",
)
RULES_INVALID = _connection(  # some rule of the app is valid no longer
    409,
    "RulesInvalidIssue",
    "Your rules are invalid. Please correct them before connecting to filtered stream.",
)


def bad_parameter(name: str, value: str, fault: str) -> Denied:
    """Return the refusal of a parameter of the query, whose `value` has a `fault`."""
    message = f"The `{name}` query parameter value [{value}] {fault}"
    return Denied(invalid_request(message, **{name: [value]}))


def invalid_request(message: str, **parameters: Sequence[str]) -> Reply:
    """Return the refusal of a parameter, or of a body, that cannot be used."""
    return Reply(400, invalid(message, {name: list(v) for name, v in parameters.items()}))


def invalid(message: str, parameters: Mapping[str, list[str]]) -> Json:
    """Return the problem object of invalid_request(), which also stands among a reply's errors."""
    errors = [{"parameters": dict(parameters), "message": message}]
    detail = "One or more parameters to your request was invalid."
    return {"errors": errors, **problem("Invalid Request", detail, "invalid-request")}


def forbidden(reason: str) -> Reply:
    """Refuse what the plan does not have; `reason` is "client-not-enrolled" or the like."""
    detail = (
        "When authenticating requests to the Twitter API v2 endpoints, you must use keys and "
        "tokens from a Twitter developer App that is attached to a Project with the appropriate "
        "level of access."
    )
    body = problem("Client Forbidden", detail, "client-forbidden", reason=reason)
    url = "https://developer.twitter.com/en/docs/projects/overview"
    return Reply(403, {**body, "required_enrollment": "Appropriate Level", "registration_url": url})


def usage_capped(status: int, period: str, scope: str) -> Reply:
    """Refuse after as many posts as the plan has for a `period`, "Daily" or "Monthly"."""
    detail = f"Usage cap exceeded: {period}"
    body = problem("UsageCapExceeded", detail, "usage-capped", period=period, scope=scope)
    return Reply(status, {**body, "account_id": 1234567890})


def no_credits(status: int) -> Reply:
    """Refuse an account that has nothing left to pay with."""
    detail = "Your enrolled account does not have any credits to fulfill this request."
    return Reply(status, problem("CreditsDepleted", detail, "credits"))


def too_many_rules(cap: int) -> Reply:
    """Refuse a request that would take the app above `cap` rules."""
    detail = f"Rule creation failed: the maximum number of rules is {cap}."
    return Reply(422, problem("RulesCapExceeded", detail, "rule-cap"))


def duplicate_rule(value: str, rule_id: str | None) -> Json:
    """
    Return the error that a value is there already, as the rule `rule_id`.

    The id is None where the value stands twice in the request.
    """
    type_ = f"{PROBLEMS}duplicate-rules"
    known: Json = {} if rule_id is None else {"id": rule_id}
    return {"value": value, **known, "title": "DuplicateRule", "type": type_}


def invalid_rule(value: str, details: Sequence[str]) -> Json:
    """Return the error that says what is wrong with a rule, and where."""
    title, type_ = "UnprocessableEntity", f"{PROBLEMS}invalid-rules"
    return {"value": value, "details": list(details), "title": title, "type": type_}
