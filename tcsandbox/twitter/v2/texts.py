"""What a v2 post says: its text and the entities in it.  Knows no users, ids or time."""

from random import Random

from tcsandbox.twitter.common import vocabulary
from tcsandbox.twitter.common.text import Json, Text
from tcsandbox.twitter.common.writing import add_anything, add_link, add_piece, add_sentence
from tcsandbox.twitter.v2.clauses import PostRequirements

NAMES = {"hashtag": "hashtags", "mention": "mentions", "cashtag": "cashtags"}


def write(needs: PostRequirements, rng: Random) -> Text:
    """Return a text with all that `needs` ask for, and more unless they want it plain."""
    text = Text()
    pieces = list(needs.pieces)
    rng.shuffle(pieces)
    if not needs.plain:
        add_sentence(text, rng)
    for piece in pieces:
        add_piece(text, piece, rng)
    wanted = 0 if needs.plain else rng.choice((20, 20, 20, 60, 340))
    while len(text.text) < wanted:
        add_anything(text, rng)
    if not text.text:
        text.add("…")
    for link in needs.links:
        add_link(text, f"https://www.example.com/{link}", f"example.com/{link}")
    for kind, piece in (("hashtags", "#news"), ("mentions", "@nikosp"), ("cashtags", "$GME")):
        if kind in needs.has:
            add_piece(text, piece, rng)
    if "links" in needs.has or (not needs.plain and rng.random() < 0.3):
        add_link(text, *rng.choice(vocabulary.LINKS))
    return text


def entities(text: Text) -> Json:
    """Return the `entities` object of `text`, with only the kinds that there are."""
    found: dict[str, list[Json]] = {}
    for kind, start, end, members in text.at:
        if kind == "mention":
            members = {"username": members["screen_name"], "id": str(members["id"])}
        elif kind != "urls":
            members = {"tag": members["name"]}
        found.setdefault(NAMES.get(kind, kind), []).append({"start": start, "end": end, **members})
    return dict(found)
