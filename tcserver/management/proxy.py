"""
Whether the site's own address answers by TLS, and by a proxy that does what the server relies on.

Knows what the server answers to /healthz; asks nothing but that.
"""

import ssl
from http.client import HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from tcserver.environment import SITE
from tcserver.management.findings import CheckLine, problem, warning, well

WITHIN = 5.0
"""Seconds for each step of asking."""
_SECURE = "Strict-Transport-Security"
"""What the server says only to whom it takes to have come by TLS."""


def of_proxy(origin: str, trusted: ssl.SSLContext | None = None) -> CheckLine:
    """Return whether the site answers at an origin with https:, and knows that it is by TLS."""
    parts = urlsplit(origin)
    context = trusted or ssl.create_default_context()
    asked = HTTPSConnection(parts.netloc, timeout=WITHIN, context=context)
    try:
        asked.request("GET", "/healthz")
        answer = asked.getresponse()
        body = answer.read(100)
    except ssl.SSLCertVerificationError as e:
        return problem("TLS", f"{origin} has a certificate that is refused: {e.verify_message}.")
    except (OSError, HTTPException) as e:
        reason = getattr(e, "strerror", None) or str(e) or type(e).__name__
        return warning(
            "TLS",
            f"{origin} does not answer this machine ({reason}): see whether server and proxy run.",
        )
    finally:
        asked.close()
    if (answer.status, body) != (200, b"ok\n"):
        return problem(
            "TLS",
            f"{origin}/healthz is not answered by this server (status {answer.status}): have the "
            f"proxy pass all requests on to it, or set {SITE} right.",
        )
    if answer.getheader(_SECURE) is None:
        return problem(
            "TLS",
            "the proxy does not say that people come by TLS: have it set the header "
            "X-Forwarded-Proto to https.",
        )
    return well("TLS", f"{origin} answers, by a proxy that says so.")
