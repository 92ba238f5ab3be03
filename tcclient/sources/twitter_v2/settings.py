"""
The keys of the settings that v2 reads.

Knows their types, and what else is wrong with a value; reads no file.
"""

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta, Struct

from tcclient.control.reports import Price
from tcclient.runtime.keytypes import Flag, OptionalCredential, Url
from tcclient.runtime.places import Where
from tcclient.sources.twitter.settings import TWITTER, Api, StallTimeout
from tcclient.sources.twitter_v2.budget.limits import limits_from
from tcclient.sources.twitter_v2.fields import parameters

_FIELDS = 'an object of lists such as {"tweet.fields": ["created_at"]}, or null'
_BUDGET = (
    '{"posts_per_day": 10000, "posts_per_month": 200000}, one of them or both, '
    "whole numbers from 1 up, or null"
)
_PRICE = "a number of US dollars from 0.000001 to 1000, or null"


class V2Section(Struct, frozen=True, kw_only=True):
    """The section `twitter`.  `api_url` ends in exactly one slash."""

    api: Api = "2"
    stall_timeout: StallTimeout = None
    api_url: Url = "https://api.x.com/"
    fields: Annotated[dict[str, list[str]] | None, Meta(description=_FIELDS)] = None
    rule_length: Annotated[
        int, Meta(ge=128, le=2048, description="a whole number of characters from 128 to 2048")
    ] = 1024
    rule_delay: Annotated[
        float, Meta(gt=0, le=3600, description="a number of seconds above 0, 3600 at most")
    ] = 20.0
    budget: Annotated[dict[str, Any] | None, Meta(description=_BUDGET)] = None
    post_price: Annotated[
        Price | None, Meta(description=_PRICE, extra={"changes_no_data": True})
    ] = 0.005  # what X takes on pay-per-use (2026)
    backfill: Flag = False
    stock_http: Flag = False


class V2Auth(Struct, frozen=True, kw_only=True):
    """The section `twitter_auth`: a bearer token, or the app's pair of keys, which buys one."""

    api_key: OptionalCredential = None
    api_secret: OptionalCredential = None
    bearer_token: OptionalCredential = None


def section_faults(section: V2Section) -> Iterator[tuple[Where, str]]:
    """Yield the place and a sentence for fields that cannot be names, and a budget that is none."""
    try:
        parameters(section.fields)
    except ValueError as e:
        yield (TWITTER, "fields"), f"must be {_FIELDS}, found one in which {e}"
    try:
        limits_from(section.budget)
    except ValueError as e:
        yield (TWITTER, "budget"), f"must be {_BUDGET}, found one in which {e}"
