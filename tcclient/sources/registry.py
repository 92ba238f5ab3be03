"""
Which sources there are.

The only module that knows the rooms of sources by name; what a source is stands in `source`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tcclient.ledger.vocabulary import COMMON, Vocabulary
from tcclient.sources.source import SourceKind
from tcclient.sources.twitter_v1.kind import TwitterV1Kind
from tcclient.sources.twitter_v2.kind import TwitterV2Kind
from tcclient.storage.postids import AnyPostIds, PostIds

KINDS: tuple[SourceKind, ...] = (TwitterV1Kind(), TwitterV2Kind())
"""In the order in which they are asked whether settings choose them."""


def chosen(document: Mapping[str, Any], kinds: Sequence[SourceKind] = KINDS) -> SourceKind:
    """Return the kind that settings ask for; the last one where they ask for none."""
    return next((kind for kind in kinds if kind.is_chosen(document)), kinds[-1])


def vocabulary(kinds: Sequence[SourceKind] = KINDS) -> Vocabulary:
    """Return all kinds of lines that ledgers of captures from these sources can have."""
    return COMMON.plus(entry for kind in kinds for entry in kind.entries)


def post_ids(first: PostIds | None = None, kinds: Sequence[SourceKind] = KINDS) -> AnyPostIds:
    """
    Return how the ids of all sources' posts are found.  Those that come `first` are looked for
    first: a folder may hold what another source brought before.
    """
    known = [kind.post_ids for kind in reversed(kinds)]
    return AnyPostIds(known if first is None else [first, *known])
