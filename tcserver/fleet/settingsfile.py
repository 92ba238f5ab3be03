"""The settings file of a new client: what this server knows, and marks for the rest.  Pure."""

import json


def settings_file(server: str, client: int, token: str) -> str:
    """Return the text of a settings.json for a client that finds the server at `server`."""
    settings = {
        "server": {
            "base_url": f"{server.rstrip('/')}/api/",
            "client_id": client,
            "auth_token": token,
        },
        "twitter_auth": {
            "bearer_token": None,
            "api_key": "<API key of your app>",
            "api_secret": "<API secret of your app>",
        },
        "output": {"base_dir": "./data/"},
    }
    return json.dumps(settings, indent=4) + "\n"
