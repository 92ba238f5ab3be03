"""The page to log in by, which bears few wrong tries from one place."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.utils import timezone

from tcserver.middleware import ADDRESS
from tcserver.people.services.tries import WINDOW, may_try, was_right

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
            response.status_code = 429
            response.headers["Retry-After"] = str(MINUTES * 60)
        return response
