"""
Tokens of clients and keys of scripts: how they look, and what is stored of them.

Knows the keyed hash; knows no table.  The token itself is shown once, and kept nowhere.
"""

import hashlib
import hmac
import secrets

from django.conf import settings

PREFIX = 8
"""How many of a token's 40 hexadecimal digits may be shown; the other 128 bits are the secret."""


def new_token() -> str:
    """Return a token that nobody has had before, in the form that existing clients know."""
    return secrets.token_hex(20)


def digest(token: str) -> str:
    """Return what is stored of a token, and found by it."""
    key: str = settings.TOKEN_KEY
    return hmac.new(key.encode(), token.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
