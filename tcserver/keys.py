"""
The secrets of an installation: made once, kept in a file that its owner alone can read.

Knows the file; does not know what the keys are used for.
"""

import os
import secrets
from pathlib import Path
from typing import NoReturn

import msgspec

from tcserver.environment import SetupError

FILE = "secrets.json"


class ServerKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    `secret_key` signs sessions and links, and may be changed: everybody logs in again.

    `token_key` is what tokens are hashed with: changed, no token is valid any more.
    """

    secret_key: str
    token_key: str

    def __repr__(self) -> str:
        return "ServerKeys(...)"


def new_keys() -> ServerKeys:
    """Return keys that nobody has had before."""
    return ServerKeys(secrets.token_urlsafe(48), secrets.token_urlsafe(48))


def make_keys(data: Path) -> None:
    """Make the folder, and the keys in it, where there are none.  Raises SetupError."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(data / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if not data.is_dir():
            raise SetupError(f"{data} is a file, and cannot hold the server's data.") from None
        return
    except OSError as e:
        raise SetupError(f"The data cannot be kept in {data}: {e.strerror}.") from None
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(new_keys())) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as e:
        # Half of a key is none, and would be taken for a damaged one the next time.
        (data / FILE).unlink()
        raise SetupError(f"The data cannot be kept in {data}: {e.strerror}.") from None


def read_keys(data: Path) -> ServerKeys:
    """Return the keys in the folder.  Raises SetupError, also where others can read them."""
    path = data / FILE
    try:
        if path.stat().st_mode & 0o077:
            _refuse(path, "others can read them; give the file mode 600")
        keys = msgspec.json.decode(path.read_bytes(), type=ServerKeys)
    except FileNotFoundError:
        raise SetupError(
            f"{data} holds no server yet: start one there by tcserver up --data {data}."
        ) from None
    except OSError as e:
        _refuse(path, str(e.strerror))
    except msgspec.DecodeError:
        _refuse(path, "the file is damaged")
    if min(len(keys.secret_key), len(keys.token_key)) < 32:
        _refuse(path, "a key is shorter than 32 characters")
    return keys


def _refuse(path: Path, why: str) -> NoReturn:
    raise SetupError(f"The secrets in {path} cannot be used: {why}.")
