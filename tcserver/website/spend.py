"""
What posts cost, in words: what X takes for a post, as a client says, times their number.  Pure.

Knows no invoice: what X bills is X's to say.
"""

from decimal import ROUND_HALF_UP, Decimal

import attrs

from tcserver.fleet.models import Client

CENT = Decimal("0.01")


@attrs.frozen
class SpendWords:
    """
    What a capture's posts of this month cost, and all of them would, and what a post does; or `why`
    that is not known.
    """

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
    return SpendWords(cost(month, price), cost(whole, price), price_words(price))


def cost(posts: int, price: float) -> str:
    """Return what so many posts cost, at so many US dollars each."""
    dollars = max(0, posts) * Decimal(repr(price))
    if 0 < dollars < CENT:
        return "less than US$0.01"
    return f"about US${dollars.quantize(CENT, ROUND_HALF_UP):,f}"


def price_words(price: float) -> str:
    """Return a price with all of its digits."""
    return f"US${Decimal(repr(price)).normalize():f}"
