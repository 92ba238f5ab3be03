"""
The settings file of the sandbox's client: an example that works.

Knows the keys and what a newcomer wants to see; opens nothing but the settings file.
"""

import json
from pathlib import Path

import attrs

from tcsandbox.server import TOKEN
from tcsandbox.twitter import SANDBOX_CREDENTIALS

RULE_DELAY = 2.0
"""Seconds until a rule of the simulated X works; the real one takes about 20."""


@attrs.frozen
class SandboxAddresses:
    """Where both ends are: `twitter` is the root of both APIs, `api` is "2" or "1.1"."""

    twitter: str
    server: str
    api: str


def write_settings(path: Path, ends: SandboxAddresses) -> None:
    """Write the settings for `ends`, readable by their owner only; raise OSError."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(_settings(ends), indent=4) + "\n", encoding="utf-8")


def may_be_replaced(path: Path) -> bool:
    """
    Return whether `path` holds no settings, or those of an earlier sandbox.

    The keys of a sandbox open nothing, so nobody misses them.
    """
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return True
    except ValueError:
        return False
    credentials = found.get("twitter_auth") if isinstance(found, dict) else None
    key = credentials.get("api_key") if isinstance(credentials, dict) else None
    return bool(key == SANDBOX_CREDENTIALS.api_key)


def _settings(ends: SandboxAddresses) -> dict[str, object]:
    return {
        "server": {
            "base_url": ends.server,
            "client_id": 1,
            "auth_token": TOKEN,
            "ping_interval": 1.0,
            "update_interval": 5.0,
        },
        "twitter_auth": _credentials(ends.api),
        "twitter": _twitter(ends),
        "source_addr": "127.0.0.1",
        "output": {"base_dir": "data", "minute_interval": 1},
        "logging": _LOGGING,
    }


def _credentials(api: str) -> dict[str, str]:
    """Return the keys that `api` needs: all four, or for v2 only the app's pair."""
    keys: dict[str, str] = attrs.asdict(SANDBOX_CREDENTIALS)
    return keys if api == "1.1" else {name: keys[name] for name in ("api_key", "api_secret")}


def _twitter(ends: SandboxAddresses) -> dict[str, object]:
    if ends.api == "1.1":
        return {"api": "1.1", "stream_url": f"{ends.twitter}1.1/"}
    return {"api": "2", "api_url": ends.twitter, "rule_delay": RULE_DELAY}


_LOGGING: dict[str, object] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "short": {"format": "%(asctime)s  %(message)s", "datefmt": "%H:%M:%S"},
        "long": {"format": "%(asctime)s %(levelname)-8s %(name)s: %(message)s"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "short",
            "stream": "ext://sys.stdout",
        },
        "file": {
            "class": "logging.handlers.RotatingFileHandler",
            "formatter": "long",
            "filename": "logs/tcc.log",
            "maxBytes": 10485760,
            "backupCount": 3,
            "encoding": "utf8",
        },
    },
    "loggers": {
        "twisted": {"level": "WARNING"},
        "log_legacy": {"level": "WARNING"},  # would tell of every port that opens and closes
        "tcsandbox": {"level": "WARNING"},
    },
    "root": {"level": "INFO", "handlers": ["console", "file"]},
}
