"""
The server within limits that a test reaches, by `python -m tests.tcserver.smallserver`: on a port
of loopback that it prints, without tables.
"""

import os
import sys
from pathlib import Path

from tcserver.keys import make_keys

BODY = 100_000
WITHIN = 1.5
CONNECTIONS = 6


def main(folder: str) -> None:
    """Serve until a signal, with secrets in a folder."""
    make_keys(Path(folder))
    os.environ |= {"TCSERVER_DATA": folder, "DJANGO_SETTINGS_MODULE": "tcserver.settings"}
    from tcserver.channel import RequestLimits
    from tcserver.serving import WebServer

    limits = RequestLimits(
        BODY, bodies=3 * BODY, within=WITHIN, linger=WITHIN, connections=CONNECTIONS
    )
    endpoint = "tcp:port=0:interface=127.0.0.1"
    WebServer(endpoint, lambda host, port: print(f"port {port}", flush=True), limits).run()


if __name__ == "__main__":
    main(sys.argv[1])
