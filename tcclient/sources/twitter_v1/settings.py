"""
The keys of the settings that v1.1 reads.

Knows their types; reads no file.
"""

from msgspec import Struct

from tcclient.runtime.keytypes import Flag, OptionalCredential, Url
from tcclient.runtime.secrets import Secret
from tcclient.sources.twitter.settings import Api, StallTimeout


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
