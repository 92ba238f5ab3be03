"""The settings file of the sandbox's client, an example that works."""

import json
from pathlib import Path

import attrs

from tcsandbox.server import TOKEN
from tcsandbox.twitter import SANDBOX_CREDENTIALS

RULE_DELAY = 2.0
"""Seconds until a rule of the simulated X works; the real one takes about 20."""


def write_settings(path: Path, api: str, twitter: str, server: str) -> None:
    """
    Write the settings for `api`, "2" or "1.1", readable by their owner only; raise OSError.

    `twitter` is the root of both APIs, `server` the address of the server's.
    """
    settings = {
        "server": {
            "base_url": server,
            "client_id": 1,
            "auth_token": TOKEN,
            "ping_interval": 1.0,
            "update_interval": 5.0,
        },
        **_twitter(api, twitter),
        "source_addr": "127.0.0.1",
        "output": {"base_dir": "data", "minute_interval": 1},
        "logging": _LOGGING,
    }
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(settings, indent=4) + "\n", encoding="utf-8")


def may_be_replaced(path: Path) -> bool:
    """Return whether `path` holds no settings, or those of a sandbox, whose keys open nothing."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return True
    except ValueError:
        return False
    credentials = found.get("twitter_auth") if isinstance(found, dict) else None
    key = credentials.get("api_key") if isinstance(credentials, dict) else None
    return bool(key == SANDBOX_CREDENTIALS.api_key)


def _twitter(api: str, root: str) -> dict[str, object]:
    """Return the keys and the section for `api`; v2 needs the app's pair of keys only."""
    keys: dict[str, str] = attrs.asdict(SANDBOX_CREDENTIALS)
    if api == "1.1":
        return {"twitter_auth": keys, "twitter": {"api": api, "stream_url": f"{root}1.1/"}}
    pair = {name: keys[name] for name in ("api_key", "api_secret")}
    section = {"api": api, "api_url": root, "rule_delay": RULE_DELAY}
    return {"twitter_auth": pair, "twitter": section}


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
