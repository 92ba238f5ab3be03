"""
A cheap supply of v2 posts for one stream.

Each post is a draft, encoded once for what the stream asked for, with its own id, time and link
filled in.  Knows what the journal says of a post.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random
from urllib.parse import quote
from weakref import WeakKeyDictionary

import attrs
import msgspec

from tcsandbox.twitter.common.ids import Ids, link_code
from tcsandbox.twitter.common.stream import PostSource
from tcsandbox.twitter.common.text import as_format
from tcsandbox.twitter.v2.fields import Selection
from tcsandbox.twitter.v2.objects import iso
from tcsandbox.twitter.v2.plan import Plan
from tcsandbox.twitter.v2.pool import Draft
from tcsandbox.twitter.v2.rules import AppRule

NEW_NAMES = (
    (b"retweet_count", b"repost_count"),
    (b"tweet_count", b"post_count"),
    (b"edit_history_tweet_ids", b"edit_history_post_ids"),
    (b"referenced_tweets", b"referenced_posts"),
    (b"note_tweet", b"note_post"),
    (b"pinned_tweet_id", b"pinned_post_id"),
    (b"most_recent_tweet_id", b"most_recent_post_id"),
    (b"tweets", b"posts"),
)
"""What openapi 2.165 and 2.167 call the same members."""
NEAR = b'{"embedding_similarity":%(near).6f,"embedding_threshold":0.1,'

Supply = Callable[[float], Sequence[Draft]]
"""The drafts to choose from at a Unix time."""


@attrs.frozen
class Template:
    """A draft as a bytes format with the keys id, at and code; `bare` is it without its rules."""

    bare: bytes
    rules: tuple[AppRule, ...]
    form: bytes
    note: str


@attrs.define(eq=False)
class V2PostSource(PostSource):
    """A source of posts made of the drafts that `supply` returns, cut to `selection`."""

    _supply: Supply
    _selection: Selection
    _ids: Ids
    _rng: Random
    _plan: Plan = attrs.Factory(Plan)
    _templates: WeakKeyDictionary[Draft, Template] = attrs.Factory(WeakKeyDictionary)

    def take(self, count: int, now: float) -> tuple[list[bytes], list[str]]:
        """Return `count` posts of the Unix time `now`, none without a draft, and their notes."""
        templates = [self._template(draft) for draft in self._supply(now)]
        if not templates:
            return [], []
        at = iso(datetime.fromtimestamp(now, UTC)).encode()
        fields: dict[bytes, object] = {b"at": at}
        random, known = self._rng.random, len(templates)
        posts, notes = [], []
        for post_id in self._ids.take(int(now * 1000), count):
            template = templates[int(random() * known)]
            fields[b"id"] = post_id
            fields[b"code"] = link_code(post_id)
            fields[b"near"] = random()
            posts.append(template.form % fields)
            notes.append(f"{post_id}{template.note}")
        return posts, notes

    def _template(self, draft: Draft) -> Template:
        known = self._templates.get(draft)
        if known is None or known.rules is not draft.rules:
            bare = known.bare if known else as_format(self._encoded(draft))
            known = self._templates[draft] = _with_rules(bare, draft, self._plan.embeddings)
        return known

    def _encoded(self, draft: Draft) -> bytes:
        """Return what was asked for of the draft, up to its last brace."""
        whole = msgspec.json.encode(self._selection.cut(draft.post)).removesuffix(b"}")
        for old, new in NEW_NAMES if self._plan.post_names else ():
            whole = whole.replace(b'"%s":' % old, b'"%s":' % new)
        return whole


def _with_rules(bare: bytes, draft: Draft, embeddings: bool) -> Template:
    if draft.home is None:
        return Template(bare, draft.rules, bare + b"}\r\n", "")
    rules = msgspec.json.encode(_matching_rules(draft)).replace(b"%", b"%%")
    if embeddings:
        rules = rules.replace(b'{"id":', NEAR + b'"id":')
    form = bare + b',"matching_rules":' + rules + b"}\r\n"
    return Template(bare, draft.rules, form, note_of(draft.rules))


def note_of(rules: Sequence[AppRule]) -> str:
    """Return ` <rule id>[:<tag>],...` with the tags percent-encoded, or ` -` for no rule."""
    named = [r.id if r.tag is None else f"{r.id}:{quote(r.tag, safe=':')}" for r in rules]
    return f" {','.join(named) or '-'}"


def _matching_rules(draft: Draft) -> list[dict[str, str]]:
    """Return the member `matching_rules` of a post; a rule without a tag has an empty one there."""
    return [{"id": rule.id, "tag": rule.tag or ""} for rule in draft.rules]
