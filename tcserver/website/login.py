"""The pages to log in by, and of a forgotten password; they bear few tries from one place."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm, PasswordResetForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from tcserver.middleware import ADDRESS
from tcserver.people.services.resets import ask_for_link
from tcserver.people.services.tries import WINDOW, may_ask_for_mail, may_try, was_right

MINUTES = int(WINDOW.total_seconds() // 60)
TOO_MANY = f"That was tried too often. Try again in {MINUTES} minutes."


class LoginForm(AuthenticationForm):
    """A name and a password, which is looked at only if there were not too many tries."""

    too_many = False

    def clean(self) -> dict[str, Any]:
        """Return what was typed; the person is in `get_user()` if it was right."""
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not name or not password:
            return self.cleaned_data
        assert self.request is not None
        address = self.request.META.get(ADDRESS, "")
        if not may_try(name, address, timezone.now()):
            self.too_many = True
            raise forms.ValidationError(TOO_MANY)
        cleaned: dict[str, Any] = super().clean()
        was_right(name, address)
        return cleaned


class Login(LoginView):
    """The page; 429 where there were too many tries."""

    template_name = "login.html"
    authentication_form = LoginForm

    def form_invalid(self, form: Any) -> HttpResponse:
        """Say what is wrong."""
        response = super().form_invalid(form)
        if form.too_many:
            _later(response)
        return response


@login_not_required
@require_http_methods(["GET", "POST"])
def forgotten_password(request: HttpRequest) -> HttpResponse:
    """
    The form by which a link is mailed; it tells nobody whether there is a person of that address.
    The link begins with SITE_URL: what somebody has sent as the host leads nowhere.
    """
    environment = settings.ENVIRONMENT
    mails = environment.alerts.mail is not None and environment.origin is not None
    form = PasswordResetForm(request.POST if mails and request.method == "POST" else None)
    tries = form.is_valid()
    if tries and _mail_link(form, request.META.get(ADDRESS, "")):
        messages.success(
            request,
            "If somebody here has this address, a link is on its way to it. It may take minutes.",
        )
        return redirect("login")
    if tries:
        form.add_error(None, TOO_MANY)
    response = render(request, "forgotten.html", {"form": form, "mails": mails})
    return _later(response) if tries else response


def _mail_link(form: PasswordResetForm, address: str) -> bool:
    """Have a link be mailed to whoever has the address; return False if it was asked too often."""
    email, now = form.cleaned_data["email"], timezone.now()
    if not may_ask_for_mail(email, address, now):
        return False
    for person in form.get_users(email):
        ask_for_link(person, now)
    return True


def _later(response: HttpResponse) -> HttpResponse:
    response.status_code = 429
    response.headers["Retry-After"] = str(MINUTES * 60)
    return response
