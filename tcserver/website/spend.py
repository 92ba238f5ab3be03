"""
What posts cost, in words: what X takes for a post, as a client says, times their number.  Pure.

Knows no invoice: what X bills is X's to say.
"""

from decimal import ROUND_HALF_UP, Decimal

import attrs

from tcserver.fleet.models import Client

CENT = Decimal("0.01")
LITTLE = "less than US$0.01"


@attrs.frozen
class SpendWords:
    """
    What a capture's posts of this month cost, in brief and in a sentence, what all of them would,
    and what a post does; or `why` that is not known.
    """

    brief: str = ""
    month: str = ""
    whole: str = ""
    price: str = ""
    why: str = ""


def spend_words(client: Client | None, month: int, whole: int) -> SpendWords:
    """Return what is said of the posts of a capture that a client has."""
    if client is None:
        return SpendWords(why="no client has it that could tell what a post costs")
    if client.post_price is None:
        return SpendWords(why=f"{client.name} does not tell what a post costs")
    price = client.post_price
    brief = _dollars(month, price)
    return SpendWords(brief, cost(month, price), cost(whole, price), price_words(price))


def cost(posts: int, price: float) -> str:
    """Return what about so many posts cost, at so many US dollars each."""
    dollars = _dollars(posts, price)
    return dollars if dollars == LITTLE else f"about {dollars}"


def price_words(price: float) -> str:
    """Return a price with all of its digits."""
    return f"US${Decimal(repr(price)).normalize():f}"


def _dollars(posts: int, price: float) -> str:
    found = max(0, posts) * Decimal(repr(price))
    return LITTLE if 0 < found < CENT else f"US${found.quantize(CENT, ROUND_HALF_UP):,f}"
