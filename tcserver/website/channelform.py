"""The form of a channel: what can be typed, and what is said when it cannot be taken."""

from typing import Any

from django import forms
from django.conf import settings

from tcserver.addresses import parsed
from tcserver.alerts.asking import WebAddress, is_inside
from tcserver.alerts.models import ChannelKind, DigestRhythm
from tcserver.alertsettings import ADDRESS, is_web_address

KINDS = [(ChannelKind.EMAIL, "e-mail"), (ChannelKind.WEBHOOK, "webhook: a signed POST of JSON")]
DIGESTS = [
    (DigestRhythm.NONE, "none"),
    (DigestRhythm.DAILY, "each day at 7:00 UTC"),
    (DigestRhythm.WEEKLY, "on Mondays at 7:00 UTC"),
]


class ChannelForm(forms.Form):
    """A new channel: where messages go, and which."""

    kind = forms.ChoiceField(choices=KINDS, label="How")
    target = forms.CharField(
        max_length=500,
        label="Where",
        help_text="An e-mail address, or the address of the webhook: https://…",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off"}),
    )
    at_once = forms.BooleanField(
        required=False, initial=True, label="Each change at once", help_text="What begins and ends."
    )
    digest = forms.ChoiceField(choices=DIGESTS, label="Summary")

    def clean(self) -> dict[str, Any]:
        """Return what is to be; refuses a place that is none, and a channel of nothing."""
        told = self.cleaned_data
        target = told.get("target", "")
        if told.get("kind") == ChannelKind.EMAIL and not ADDRESS.fullmatch(target):
            self.add_error("target", "Type an e-mail address, as in ann@example.org.")
        if told.get("kind") == ChannelKind.WEBHOOK:
            self._look_at(target)
        if not told.get("at_once") and told.get("digest") == DigestRhythm.NONE:
            self.add_error("at_once", "Choose each change, a summary, or both.")
        return told

    def _look_at(self, url: str) -> None:
        """Refuse what is no address of a webhook; names are looked up when it is asked."""
        if not is_web_address(url):
            self.add_error("target", "Type an address, as in https://hooks.example.org/tcc.")
            return
        address = parsed(WebAddress.of(url).host)
        allowed = settings.ENVIRONMENT.alerts.allowed
        if address and is_inside(address) and not any(address in one for one in allowed):
            self.add_error(
                "target",
                "This is inside of the server's network. ALERT_ALLOWED_NETWORKS can allow it.",
            )
