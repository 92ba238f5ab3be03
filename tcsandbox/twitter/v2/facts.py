"""
What rules look at in a post: read from the post's own JSON, with all its fields and expansions.

Knows how X divides text into words; knows no rules.  Pure.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import attrs

_URL = re.compile(r"https?://\S+")
_UNSPACED = re.compile(
    r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, kana and Chinese characters; each is a word, so that a part of a row of them is found."""

FIRST_ARROW = "\u2190"  # mathematical symbols from the arrows on are emoji


@attrs.frozen
class Facts:
    """
    What can be matched in a post, with all words in lower case.

    `line` is all words with a space before, between and after, so that a phrase is a part of
    it.  `draw` is from 0 to 99: `sample:` with a greater number matches.
    """

    line: str
    words: frozenset[str]
    hashtags: frozenset[str]
    mentions: frozenset[str]
    cashtags: frozenset[str]
    urls: str  # words of the links' addresses, spaced like `line`
    author: frozenset[str]  # username and id
    replied_to: frozenset[str]
    retweeted: frozenset[str]
    lang: str
    kinds: frozenset[str]  # of retweet, reply, quote
    has: frozenset[str]
    country: str
    boxes: tuple[tuple[float, float, float, float], ...]  # west, south, east, north
    draw: int


def tokens(text: str) -> list[str]:
    """
    Return the words of `text`: letters, digits and marks in a row.

    An emoji is a word too, and so is each character of a script without spaces.
    """
    found: list[str] = []
    word = ""
    for character in unicodedata.normalize("NFC", text).lower():
        category = unicodedata.category(character)
        if category[0] in "LNM" or character == "_":
            if _UNSPACED.match(character):
                found += [word, character] if word else [character]
                word = ""
            else:
                word += character
            continue
        if word:
            found.append(word)
        word = ""
        if category == "So" or (category == "Sm" and character >= FIRST_ARROW):
            found.append(character)
    return [*found, word] if word else found


def spaced(words: list[str]) -> str:
    """Return `words` as a line that has a space before and after each."""
    return f" {' '.join(words)} "


def facts_of(post: Any, draw: int) -> Facts:
    """Return what is in `post`, an object with all fields and expansions that a stream can send."""
    data, includes = post["data"], post["includes"]
    everything = list(_parts(data, includes))
    words = [word for part in everything for word in tokens(_URL.sub(" ", _text(part)))]
    entities = [_entities(part) for part in everything]
    users = {user["id"]: user["username"] for user in includes.get("users", ())}
    kinds = {kind["type"] for kind in data.get("referenced_tweets", ())}
    links = [url for each in entities for url in each.get("urls", ())]
    return Facts(
        line=spaced(words),
        words=frozenset(words),
        hashtags=_lower(entities, "hashtags", "tag"),
        mentions=_lower(entities, "mentions", "username"),
        cashtags=_lower(entities, "cashtags", "tag"),
        urls=spaced([t for url in links for t in tokens(url["expanded_url"])]),
        author=_names(data["author_id"], users),
        replied_to=_names(data.get("in_reply_to_user_id"), users),
        retweeted=_retweeted(data, includes, users),
        lang=data["lang"],
        kinds=frozenset(_KINDS[kind] for kind in kinds),
        has=frozenset(_having(data, includes, entities)),
        country=_country(includes),
        boxes=tuple(_boxes(data, includes)),
        draw=draw,
    )


_KINDS = {"retweeted": "retweet", "replied_to": "reply", "quoted": "quote"}


def _parts(data: Any, includes: Any) -> Iterator[Any]:
    """Yield the post and, if it is a retweet, the original, which is the complete one."""
    repeated = {
        ref["id"] for ref in data.get("referenced_tweets", ()) if ref["type"] == "retweeted"
    }
    yield data
    for other in includes.get("tweets", ()):
        if other["id"] in repeated:
            yield other


def _text(part: Any) -> str:
    return str(part.get("note_tweet", part)["text"])


def _entities(part: Any) -> Any:
    return part.get("note_tweet", part).get("entities", {})


def _lower(entities: list[Any], kind: str, member: str) -> frozenset[str]:
    return frozenset(found[member].lower() for each in entities for found in each.get(kind, ()))


def _names(user_id: str | None, users: dict[str, str]) -> frozenset[str]:
    if user_id is None:
        return frozenset()
    return frozenset({user_id, users.get(user_id, user_id).lower()})


def _retweeted(data: Any, includes: Any, users: dict[str, str]) -> frozenset[str]:
    originals = list(_parts(data, includes))[1:]
    return frozenset(name for post in originals for name in _names(post["author_id"], users))


def _having(data: Any, includes: Any, entities: list[Any]) -> Iterator[str]:
    for kind in ("hashtags", "mentions", "cashtags"):
        if any(each.get(kind) for each in entities):
            yield kind
    if any(each.get("urls") for each in entities):
        yield "links"
    media = {medium["type"] for medium in includes.get("media", ())}
    if media:
        yield "media"
    if "photo" in media:
        yield "images"
    if media - {"photo"}:
        yield "videos"
    if "geo" in data:
        yield "geo"


def _country(includes: Any) -> str:
    countries = [place["country_code"] for place in includes.get("places", ())]
    return str(countries[0]).lower() if countries else ""


def _boxes(data: Any, includes: Any) -> Iterator[tuple[float, float, float, float]]:
    point = data.get("geo", {}).get("coordinates")
    if point:
        longitude, latitude = point["coordinates"]
        yield longitude, latitude, longitude, latitude
    for place in includes.get("places", ()):
        west, south, east, north = place["geo"]["bbox"]
        yield west, south, east, north
