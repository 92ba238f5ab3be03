"""The rules endpoint: what is read, what is changed, and how X words the result.  Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import attrs
import msgspec

from tcsandbox.twitter.common.text import Json
from tcsandbox.twitter.v2 import problems
from tcsandbox.twitter.v2.app import App
from tcsandbox.twitter.v2.objects import iso
from tcsandbox.twitter.v2.problems import Denied, Reply
from tcsandbox.twitter.v2.rules import AppRule, RuleChange
from tcsandbox.twitter.v2.usage import CLIENT_APP

MOST_RESULTS = 1_000


class RuleToAdd(msgspec.Struct, forbid_unknown_fields=True):
    """A member of `add` in the body of a POST."""

    value: str
    tag: str | None = None


class RulesToDelete(msgspec.Struct, forbid_unknown_fields=True):
    """The member `delete` in the body of a POST: the rules, by id or by value."""

    ids: list[str] | None = None
    values: list[str] | None = None


class RuleChangeRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST, which has exactly one of the two members."""

    add: Annotated[list[RuleToAdd], msgspec.Meta(min_length=1)] | None = None
    delete: RulesToDelete | None = None


@attrs.frozen
class RuleChangeOutcome:
    """A reply, and the rules that were really added or deleted, as `change` says."""

    reply: Reply
    change: Literal["add", "delete"]
    rules: tuple[AppRule, ...]  # none after a dry run


def change_rules(app: App, params: dict[str, str], body: bytes, now: float) -> RuleChangeOutcome:
    """Answer a POST of rules, made at `now`; raise Denied."""
    dry_run = _flag(params, "dry_run")
    if _flag(params, "delete_all"):
        return _delete(app, list(app.rules.present), now, dry_run)
    try:
        asked = msgspec.json.decode(body, type=RuleChangeRequest)
    except msgspec.DecodeError as e:
        raise Denied(problems.invalid_request(f"The body is invalid: {e}")) from e
    if (asked.add is None) == (asked.delete is None):
        raise Denied(problems.invalid_request("Exactly one of add and delete is needed"))
    if asked.add is not None:
        return _add(app, asked.add, now, dry_run)
    assert asked.delete is not None
    ids, values = asked.delete.ids, asked.delete.values
    if not (ids or values):
        raise Denied(problems.invalid_request("delete needs ids or values"))
    return _delete(app, [*(ids or ()), *app.rules.ids_of(values or ())], now, dry_run)


def list_rules(app: App, params: dict[str, str], now: float) -> Reply:
    """Answer a GET of the rules, made at `now`, with `data` if there are any; raise Denied."""
    most = params.get("max_results", str(MOST_RESULTS))
    token = params.get("pagination_token", "0")
    if not (most.isascii() and most.isdigit() and 1 <= int(most) <= MOST_RESULTS):
        raise problems.bad_parameter("max_results", most, "is not between 1 and 1000")
    if not (token.isascii() and token.isdigit()):
        raise problems.bad_parameter("pagination_token", token, "is not valid")
    found = list(app.rules.present.values())
    if "ids" in params:
        wanted = set(params["ids"].split(","))
        found = [rule for rule in found if rule.id in wanted]
    first, end = int(token), int(token) + int(most)
    page = found[first:end]
    meta: Json = {"sent": _sent(now), "result_count": len(page)}
    if end < len(found):
        meta["next_token"] = f"{end:016d}"
    body: Json = {"data": [rule.as_json() for rule in page]} if page else {}
    return Reply(200, {**body, "meta": meta})


def count_rules(app: App) -> Reply:
    """Return the reply that says how many rules the app has and may have."""
    count, cap = len(app.rules.present), str(app.plan.rule_cap)
    client_app: Json = {"client_app_id": CLIENT_APP, "rule_count": count}
    data: Json = {
        "all_project_client_apps": [client_app],
        "cap_per_client_app": cap,
        "cap_per_project": cap,
        "client_app_rules_count": client_app,
        "project_rules_count": str(count),
    }
    return Reply(200, {"data": data})


def _add(app: App, wanted: Sequence[RuleToAdd], now: float, dry_run: bool) -> RuleChangeOutcome:
    pairs = [(rule.value, rule.tag or None) for rule in wanted]
    done = app.rules.add(pairs, now, app.plan, dry_run)
    created = len(done.rules)
    summary: Json = {"created": created, "not_created": len(pairs) - created}
    faulty = len(done.errors)
    summary |= {"valid": len(pairs) - faulty, "invalid": faulty}
    # recorded: 200 where a rule could not be read, 201 for new ones and for duplicates
    status = 200 if done.invalid and not created else 201
    return _outcome("add", status, done, summary, now, dry_run)


def _delete(app: App, ids: Sequence[str], now: float, dry_run: bool) -> RuleChangeOutcome:
    done = app.rules.delete(ids, now, app.plan, dry_run)
    summary: Json = {"deleted": len(done.rules), "not_deleted": len(done.errors)}
    return _outcome("delete", 200, done, summary, now, dry_run)


def _outcome(
    change: Literal["add", "delete"],
    status: int,
    done: RuleChange,
    summary: Json,
    now: float,
    dry_run: bool,
) -> RuleChangeOutcome:
    body: Json = {"meta": {"sent": _sent(now), "summary": summary}}
    if change == "add" and done.rules:
        body = {"data": [rule.as_json() for rule in done.rules], **body}
    if done.errors:
        body["errors"] = list(done.errors)
    return RuleChangeOutcome(Reply(status, body), change, () if dry_run else done.rules)


def _flag(params: dict[str, Any], name: str) -> bool:
    """
    Return the query parameter `name`, true or false in any case, as clients in Python send True;
    raise Denied for anything else.
    """
    value = str(params.get(name, "false")).lower()
    if value not in ("true", "false"):
        raise problems.bad_parameter(name, params[name], "is not one of [true,false]")
    return bool(value == "true")


def _sent(now: float) -> str:
    return iso(datetime.fromtimestamp(now, UTC))
