"""What this process counts, in the form that Prometheus reads, and who may read it."""

import ipaddress

from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, generate_latest

from tcserver.addresses import parsed
from tcserver.api.answers import ApiRefusal
from tcserver.api.asking import authenticate
from tcserver.middleware import ADDRESS

SOCKETS = Gauge("tcserver_sockets", "Sockets that are open in this process", ["of"])
MESSAGES = Counter("tcserver_messages", "Messages that clients have sent", ["type"])
BYTES = Counter("tcserver_ledger_bytes", "Bytes of ledgers that were stored by sockets")
HINTS = Counter("tcserver_layer_calls", "Calls of the channel layer, by their ends", ["end"])
CLOSES = Counter("tcserver_closes", "Sockets of clients that this process has closed", ["code"])


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with the numbers, to this machine itself, and to whoever has a person's key."""
    try:
        if not _is_at_home(request):
            authenticate(request, None, None).person  # noqa: B018 - it raises
    except ApiRefusal as e:
        return JsonResponse(e.content, status=e.status)
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _is_at_home(request: HttpRequest) -> bool:
    """Whether the request comes from this machine, and by no proxy on it."""
    if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META:
        return False
    found = parsed(request.META.get(ADDRESS, ""))
    return isinstance(found, ipaddress.IPv4Address | ipaddress.IPv6Address) and found.is_loopback
