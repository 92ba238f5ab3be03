"""The pages of channels, for administrators: where messages go, and how that went."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tcserver.alerts.models import AlertChannel, ChannelKind
from tcserver.alerts.services.channels import (
    NewChannel,
    change_key,
    create_channel,
    remove_channel,
    send_trial,
    shown,
    switch_off,
    switch_on,
)
from tcserver.alerts.webhooks import key_of, written_key
from tcserver.history.acts import Act
from tcserver.history.models import Concerned, HistoryEntry
from tcserver.people.askers import NotFound
from tcserver.website.asking import Visit, page
from tcserver.website.channelform import ChannelForm

ENTRIES = 50
_ON_CHANNEL: dict[str, tuple[Callable[[int, Act], None], str]] = {
    "test": (
        lambda number, act: send_trial(number, settings.ENVIRONMENT.origin or "", act),
        "A test message is on its way: how that goes stands below.",
    ),
    "off": (
        lambda number, act: switch_off(number, f"by {act.name}", act),
        "Nothing goes there any more.",
    ),
    "on": (switch_on, "Messages go there again."),
    "remove": (remove_channel, "The channel is removed."),
}
ACTS = tuple(_ON_CHANNEL)


@require_http_methods(["GET", "POST"])
@page
def new_channel(visit: Visit) -> HttpResponse:
    """The form of a new channel; then the key of a webhook, this once."""
    visit.person.must_administer()
    form = ChannelForm(visit.posted())
    if form.is_valid():
        told = form.cleaned_data
        new = NewChannel(told["kind"], told["target"], told["at_once"], told["digest"])
        made = create_channel(new, visit.act)
        if made.kind == ChannelKind.WEBHOOK:
            return _key_page(visit, made)
        return redirect("channel", made.pk)
    context = {"form": form, "title": "New channel", "button": "Make it"}
    return render(visit.request, "form.html", context | {"back": reverse("alerts")})


@require_GET
@page
def channel(visit: Visit, number: int) -> HttpResponse:
    """One channel: its deliveries with their attempts, and its history."""
    visit.person.must_administer()
    found = AlertChannel.objects.select_related("created_by").filter(pk=number).first()
    if found is None:
        raise NotFound
    entries = HistoryEntry.objects.filter(subject=Concerned.CHANNEL, subject_number=number)
    sent = found.notifications.prefetch_related("tries").order_by("-created_at", "-pk")
    context = {
        "channel": found,
        "where": shown(found),
        "is_webhook": found.kind == ChannelKind.WEBHOOK,
        "deliveries": sent[:ENTRIES],
        "history": entries.order_by("-pk")[:ENTRIES],
    }
    return render(visit.request, "channel.html", context)


@require_POST
@page
def act_on_channel(visit: Visit, number: str, act: str) -> HttpResponse:
    """Try a channel, switch it off or on, or remove it."""
    visit.person.must_administer()
    do, said = _ON_CHANNEL[act]
    do(int(number), visit.act)
    messages.success(visit.request, said)
    return redirect("alerts") if act == "remove" else redirect("channel", number)


@require_POST
@page
def channel_key(visit: Visit, number: int) -> HttpResponse:
    """Give a channel another key, and show it this once."""
    visit.person.must_administer()
    return _key_page(visit, change_key(number, visit.act))


def _key_page(visit: Visit, made: AlertChannel) -> HttpResponse:
    key = written_key(key_of(settings.TOKEN_KEY, made.salt))
    return render(visit.request, "channelkey.html", {"channel": made, "key": key})
