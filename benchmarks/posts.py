"""
Real-looking posts in any number, each with a number of its own in its id.

Knows what posts look like, and which captures a v2 post is for; never sends one.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec

from tcsandbox.twitter.common.ids import Ids
from tcsandbox.twitter.common.text import CODE, CREATED_AT, POST_ID
from tcsandbox.twitter.v1.filters import Filter
from tcsandbox.twitter.v1.posts import V1PostSource
from tcsandbox.twitter.v2.clauses import PostRequirements
from tcsandbox.twitter.v2.fields import KNOWN, Selection
from tcsandbox.twitter.v2.objects import iso
from tcsandbox.twitter.v2.posts import V2PostWriter

JOBS = 3
"""Captures in v2."""
PREFIX = b"203000000000"
"""How each id begins; the seven digits after it are the post's number."""
_DIGITS = 7
_TEMPLATES = 512
_SEED = 5

_ASKED = Selection(
    {**KNOWN, "expansions": KNOWN["expansions"] - {"edit_history_tweet_ids"}},
)

Template = Sequence[bytes]
"""What stands between the places of the id."""


def post_id(number: int) -> bytes:
    return b"%b%07d" % (PREFIX, number)


def number_of(line: bytes) -> int:
    """The number of the post in a line, whatever wrote it; ValueError where there is none."""
    at = line.find(PREFIX)
    if at < 0:
        raise ValueError("there is no id of ours in it")
    at += len(PREFIX)
    return int(line[at : at + _DIGITS])


def jobs_of(number: int) -> tuple[int, ...]:
    """The captures that a v2 post matches, by turns one and two of three."""
    first = number // 2 % JOBS
    return (first,) if number % 2 == 0 else (first, (first + 1) % JOBS)


def v1_posts(count: int) -> Iterator[bytes]:
    """Posts 0 to `count`, each ending in CRLF."""
    templates = v1_templates()
    for number, template in zip(range(count), itertools.cycle(templates), strict=False):
        yield post_id(number).join(template)


def v2_posts(count: int, tags: Sequence[str]) -> Iterator[bytes]:
    """The same for v2; `tags` are those of the captures' rules."""
    rules = [matching_rules(jobs_of(number), tags) for number in range(2 * JOBS)]
    templates = v2_templates()
    for number, template in zip(range(count), itertools.cycle(templates), strict=False):
        yield post_id(number).join(template) + rules[number % len(rules)]


def rule_id(job: int) -> str:
    """That of the one rule which a capture has."""
    return f"160000000000000000{job}"


def matching_rules(jobs: Sequence[int], tags: Sequence[str]) -> bytes:
    """How a v2 post for these captures ends."""
    rules = [{"id": rule_id(job), "tag": tags[job]} for job in jobs]
    return b',"matching_rules":%b}\r\n' % msgspec.json.encode(rules)


def v1_templates() -> list[Template]:
    now = datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp()
    source = V1PostSource(Filter(track=("coffee", "green tea")), Ids(), Random(_SEED))
    templates = []
    while len(templates) < _TEMPLATES:
        # A few at a time: the source writes more of its own templates each time.
        posts, ids = source.take(16, now)
        templates += [post.split(b"%d" % id_) for post, id_ in zip(posts, ids, strict=True)]
    return templates


def v2_templates() -> list[Template]:
    now = datetime(2026, 11, 1, 12, tzinfo=UTC)
    writer = V2PostWriter(Random(_SEED), now)
    return [_v2_template(writer.post(PostRequirements()), now) for _ in range(_TEMPLATES)]


def _v2_template(post: Any, now: datetime) -> Template:
    """Of a post with all that the client asks for unless it is told otherwise, as X writes it."""
    text = msgspec.json.encode(_ASKED.cut(post)).removesuffix(b"}")
    text = text.replace(CREATED_AT.encode(), iso(now).encode())
    text = re.sub(CODE.encode(), b"qX3wZb9LkT", text)
    return text.split(POST_ID.encode())
