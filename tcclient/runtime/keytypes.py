"""
Types of keys that several sections of the settings have, in the form that `config.schema` reads.

A `description` completes the sentence "must be ..."; `read` turns the string of the file into the
value; a `hidden` value is never repeated in a sentence.  By a key that `changes_no_data` nothing
is captured otherwise.
"""

from typing import Annotated, TypeVar

from msgspec import Meta, Struct, UnsetType

from tcclient.runtime.addresses import channel_address, web_address
from tcclient.runtime.secrets import Secret, secret

Url = Annotated[
    str,
    Meta(
        description="an http:// or https:// address without user, query and fragment",
        # Hidden because people paste an address with a password in it.
        extra={"read": web_address, "hidden": True},
    ),
]
ChannelUrl = Annotated[
    str | UnsetType | None,
    Meta(
        description="a ws:// or wss:// address without user, query and fragment, or null",
        extra={"read": channel_address, "hidden": True, "changes_no_data": True},
    ),
]
Credential = Annotated[
    Secret,
    Meta(
        description="a non-empty string without white space",
        extra={"read": secret, "hidden": True},
    ),
]
OptionalCredential = Annotated[
    Secret | None,
    Meta(
        description="a non-empty string without white space, or null",
        extra={"read": secret, "hidden": True},
    ),
]
Flag = Annotated[bool, Meta(description="true or false")]

S = TypeVar("S", bound=Struct)


def narrowed(section: Struct, shape: type[S]) -> S:
    """Return a `shape` with the values of a section that has all its keys, and may have others."""
    return shape(**{name: getattr(section, name) for name in shape.__struct_fields__})
