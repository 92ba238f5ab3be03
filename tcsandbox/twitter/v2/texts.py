"""What a v2 post says: its text and the entities in it.  Knows no users, ids or time."""

from random import Random

from tcsandbox.twitter.common import vocabulary
from tcsandbox.twitter.common.text import CODE, Json, Text
from tcsandbox.twitter.v2.clauses import PostRequirements


def write(needs: PostRequirements, rng: Random) -> Text:
    """Return a text with all that `needs` ask for, and more unless they want it plain."""
    text = Text()
    pieces = list(needs.pieces)
    rng.shuffle(pieces)
    if not needs.plain:
        text.add(rng.choice(vocabulary.SENTENCES)[1])
    for piece in pieces:
        _add_piece(text, piece, rng)
    wanted = 0 if needs.plain else rng.choice((20, 80, 120, 180, 340))
    while len(text.text) < wanted:
        _add_something(text, rng)
    if not text.text:
        text.add("…")
    for link in needs.links:
        add_link(text, f"https://www.example.com/{link}")
    for kind, piece in (("hashtags", "#news"), ("mentions", "@nikosp"), ("cashtags", "$GME")):
        if kind in needs.has:
            _add_piece(text, piece, rng)
    if "links" in needs.has or (not needs.plain and rng.random() < 0.3):
        add_link(text, rng.choice(vocabulary.LINKS)[0])
    return text


def _add_piece(text: Text, piece: str, rng: Random) -> None:
    if piece[0] == "#" and len(piece) > 1:
        text.add(piece, "hashtags", tag=piece[1:])
    elif piece[0] == "@" and len(piece) > 1:
        text.add(piece, "mentions", username=piece[1:], id=str(rng.randrange(1 << 33)))
    elif piece[0] == "$" and piece[1:].isalpha():
        text.add(piece, "cashtags", tag=piece[1:])
    else:
        text.add(piece)


def _add_something(text: Text, rng: Random) -> None:
    draw = rng.random()
    if draw < 0.6:
        text.add(rng.choice(vocabulary.SENTENCES)[1])
    elif draw < 0.8:
        _add_piece(text, f"#{rng.choice(vocabulary.HASHTAGS)}", rng)
    else:
        _add_piece(text, f"@{rng.choice(vocabulary.NAMES)[1]}", rng)


def add_link(text: Text, expanded: str, **more: object) -> None:
    """Add a t.co link that leads to `expanded`."""
    url = f"https://t.co/{CODE}"
    shown = expanded.partition("://")[2]
    text.add(url, "urls", url=url, expanded_url=expanded, display_url=shown, **more)


def entities(text: Text) -> Json:
    """Return the `entities` object of `text`, with only the kinds that there are."""
    found: dict[str, list[Json]] = {}
    for kind, start, end, members in text.at:
        found.setdefault(kind, []).append({"start": start, "end": end, **members})
    return dict(found)
