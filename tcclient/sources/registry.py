"""
The list of all sources.

Knows the packages of sources by name, as no other module does; what a source is, `source` says.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tcclient.ledger.vocabulary import COMMON, Vocabulary
from tcclient.sources.advice import KeywordAdvice
from tcclient.sources.source import SourceKind
from tcclient.sources.twitter_v1.offer import TwitterV1Kind
from tcclient.sources.twitter_v2.offer import TwitterV2Kind
from tcclient.storage.postids import AnyPostIds, PostIds

KINDS: tuple[SourceKind, ...] = (TwitterV1Kind(), TwitterV2Kind())
"""All kinds of sources, in the order in which they are asked whether settings choose them."""


def chosen(document: Mapping[str, Any], kinds: Sequence[SourceKind] = KINDS) -> SourceKind:
    """Return the kind that the settings ask for; the last one if they ask for none."""
    return next((kind for kind in kinds if kind.is_chosen(document)), kinds[-1])


def vocabulary(kinds: Sequence[SourceKind] = KINDS) -> Vocabulary:
    """Return all kinds of lines that the ledgers of captures from these sources can have."""
    return COMMON.plus(entry for kind in kinds for entry in kind.entries)


def advice(text: str | None, kinds: Sequence[SourceKind] = KINDS) -> list[KeywordAdvice]:
    """Return how each kind of source understands a keyword text, that of the default first."""
    return [kind.advice(text) for kind in reversed(kinds)]


def post_ids(first: PostIds | None = None, kinds: Sequence[SourceKind] = KINDS) -> AnyPostIds:
    """
    Return what finds the ids of all sources' posts.  `first`, if it is given, is asked before the
    others, which are asked too: a folder may hold posts that another source brought before.
    """
    known = [kind.post_ids for kind in reversed(kinds)]
    return AnyPostIds(known if first is None else [first, *known])
