"""What rules look at in a post, read from its JSON: words, entities, people, places.  Pure."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import attrs

from tcsandbox.twitter.common.writing import Corners

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
    urls: str  # words of the links' addresses, spaced like `line`
    addresses: tuple[str, ...]  # where the links lead to
    labels: frozenset[str]  # such as #snow, @bob, $gme, from:7, lang:en, is:reply, has:media
    boxes: tuple[Corners, ...]
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
    whole = [part.get("note_tweet", part) for part in _parts(data, includes)]
    words = [word for part in whole for word in tokens(_URL.sub(" ", part["text"]))]
    entities = [part.get("entities", {}) for part in whole]
    links = [url for each in entities for url in each.get("urls", ())]
    labels = [*_entity_labels(entities), *_people(data, includes), *_kinds(data, includes)]
    return Facts(
        line=spaced(words),
        words=frozenset(words),
        addresses=tuple(url["expanded_url"].lower() for url in links),
        urls=spaced([t for url in links for t in tokens(url["expanded_url"])]),
        labels=frozenset(label.lower() for label in labels),
        boxes=tuple(_boxes(data, includes)),
        draw=draw,
    )


_ENTITIES = (("hashtags", "#", "tag"), ("mentions", "@", "username"), ("cashtags", "$", "tag"))
_REFERENCES = {"retweeted": "is:retweet", "replied_to": "is:reply", "quoted": "is:quote"}


def _parts(data: Any, includes: Any) -> Iterator[Any]:
    """Yield the post and, if it is a retweet, the original, which is the complete one."""
    repeated = {
        ref["id"] for ref in data.get("referenced_tweets", ()) if ref["type"] == "retweeted"
    }
    yield data
    for other in includes.get("tweets", ()):
        if other["id"] in repeated:
            yield other


def _entity_labels(entities: list[Any]) -> Iterator[str]:
    for each in entities:
        for kind, sign, member in _ENTITIES:
            for found in each.get(kind, ()):
                yield f"{sign}{found[member]}"
                yield f"has:{kind}"
        if each.get("urls"):
            yield "has:links"


def _people(data: Any, includes: Any) -> Iterator[str]:
    """Yield who wrote, is replied to and is repeated, by id and by username where it is known."""
    users = {user["id"]: user["username"] for user in includes.get("users", ())}
    people = [("from", data["author_id"]), ("to", data.get("in_reply_to_user_id"))]
    people += [("retweets_of", post["author_id"]) for post in [*_parts(data, includes)][1:]]
    for role, user_id in people:
        if user_id is not None:
            yield f"{role}:{user_id}"
            yield f"{role}:{users.get(user_id, user_id)}"


def _kinds(data: Any, includes: Any) -> Iterator[str]:
    """Yield of which kind the post is, in which language, and with what media and places."""
    yield f"lang:{data['lang']}"
    for reference in data.get("referenced_tweets", ()):
        yield _REFERENCES[reference["type"]]
    for medium in includes.get("media", ()):
        yield "has:media"
        yield "has:images" if medium["type"] == "photo" else "has:videos"
    if "geo" in data:
        yield "has:geo"
    for place in includes.get("places", ()):
        yield f"place_country:{place['country_code']}"


def _boxes(data: Any, includes: Any) -> Iterator[Corners]:
    point = data.get("geo", {}).get("coordinates")
    if point:
        longitude, latitude = point["coordinates"]
        yield longitude, latitude, longitude, latitude
    for place in includes.get("places", ()):
        west, south, east, north = place["geo"]["bbox"]
        yield west, south, east, north
