"""
The keys of the settings that v1.1 reads.

Knows their types, and which of them must be there; reads no file.
"""

from collections.abc import Iterator

from msgspec import Struct

from tcclient.runtime.keytypes import Flag, OptionalCredential, Url
from tcclient.runtime.places import Where
from tcclient.runtime.secrets import Secret
from tcclient.sources.twitter.settings import Api, StallTimeout, missing_keys


class V1Section(Struct, frozen=True, kw_only=True):
    """The section `twitter`.  `stream_url` ends in exactly one slash."""

    api: Api = "2"
    stream_url: Url = "https://stream.twitter.com/1.1/"
    stall_timeout: StallTimeout = None
    stock_http: Flag = False


class V1Auth(Struct, frozen=True, kw_only=True):
    """The section `twitter_auth`: the app's pair of keys, and the account's."""

    api_key: OptionalCredential = None
    api_secret: OptionalCredential = None
    access_token: OptionalCredential = None
    access_token_secret: OptionalCredential = None


class Keys(Struct, frozen=True):
    """The four keys that sign a request: the app's pair and the account's."""

    api_key: Secret
    api_secret: Secret
    access_token: Secret
    access_token_secret: Secret

    @classmethod
    def of(cls, auth: V1Auth) -> "Keys":
        """Return the keys of a section that has all four.  Raises ValueError if one is missing."""
        found = {name: getattr(auth, name) for name in V1Auth.__struct_fields__}
        if None in found.values():
            raise ValueError("a key is missing")
        return cls(**found)


def lacking(auth: V1Auth) -> Iterator[tuple[Where, str]]:
    """Yield the place and a sentence for each key that is missing."""
    needs = "API 1.1 needs api_key, api_secret, access_token and access_token_secret"
    return missing_keys(auth, V1Auth.__struct_fields__, needs)
