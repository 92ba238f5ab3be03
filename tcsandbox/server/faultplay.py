"""
What each fault does to an exchange.

Knows the kinds of faults and when the server's work is done in each; knows no sockets.
"""

import json
from collections.abc import Callable

import attrs
import msgspec

from tcsandbox.server import quirks
from tcsandbox.server.exchange import Exchange
from tcsandbox.server.restapi import ApiAnswer, json_answer


def play(
    fault: quirks.ServerFault | None, exchange: Exchange, work: Callable[[], ApiAnswer]
) -> None:
    """Answer with what `work` returns, or as `fault` says; call `work` once at most."""
    if isinstance(fault, quirks.Answered | quirks.Silent | quirks.Closed | quirks.Redirected):
        _instead(fault, exchange, work)
        return
    answer = work()
    match fault:
        case None:
            exchange.send(answer)
        case quirks.Dripped():
            exchange.drip(answer, fault.size, fault.seconds)
        case quirks.Cut():
            exchange.send_cut(answer, fault.after)
        case quirks.Incomplete():
            exchange.send(_without(answer, fault.members))
        case quirks.Big():
            exchange.send(attrs.evolve(answer, body=answer.body.ljust(fault.size)))
        case quirks.Delayed():
            exchange.later(fault.seconds, lambda: exchange.send(answer))


def _instead(
    fault: quirks.Answered | quirks.Silent | quirks.Closed | quirks.Redirected,
    exchange: Exchange,
    work: Callable[[], ApiAnswer],
) -> None:
    """Answer as a fault says that replaces the server's answer; call `work` if it is processed."""
    if not isinstance(fault, quirks.Redirected) and fault.processed:
        work()
    match fault:
        case quirks.Answered():
            exchange.send(_other_answer(fault))
        case quirks.Closed():
            exchange.hang_up()
        case quirks.Redirected():
            exchange.send(ApiAnswer(fault.status, headers={"Location": fault.location}))


def _other_answer(fault: quirks.Answered) -> ApiAnswer:
    if fault.json is not msgspec.UNSET:
        return json_answer(fault.status, fault.json)
    return ApiAnswer(fault.status, fault.body.encode(), fault.content_type)


def _without(answer: ApiAnswer, members: list[str]) -> ApiAnswer:
    """
    Return the answer, and each of its results, without `members`.

    An answer that is not JSON stays as it is.
    """
    if answer.content_type != "application/json":
        return answer
    content = json.loads(answer.body)
    results = content.get("results", [])
    for row in [content, *results]:
        for member in members:
            row.pop(member, None)
    return json_answer(answer.status, content)
