"""A person's own pages: the password, and the keys of the person's scripts."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import PasswordChangeView, PasswordResetConfirmView
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tcserver.people.askers import Forbidden, NotFound
from tcserver.people.listing import people_for
from tcserver.people.models import ApiKey, Membership, User
from tcserver.people.services.keys import issue_key, revoke_key
from tcserver.people.services.passwords import LINKS
from tcserver.people.services.people import set_email
from tcserver.website.asking import Visit, act_by, page
from tcserver.website.forms import ChangedPasswordForm, ChosenPasswordForm, EmailForm, KeyForm


class ChangePassword(PasswordChangeView):
    """The form of one's own password; other browsers have to log in again."""

    template_name = "form.html"
    form_class = ChangedPasswordForm
    success_url = reverse_lazy("account")
    extra_context = {  # noqa: RUF012 - as Django declares it
        "title": "Change your password",
        "button": "Change it",
        "back": reverse_lazy("account"),
    }

    def form_valid(self, form: Any) -> HttpResponse:
        """Write it, and say so."""
        form.act = act_by(form.user, self.request, timezone.now())
        messages.success(self.request, "Your password is changed.")
        return super().form_valid(form)


class ChoosePassword(PasswordResetConfirmView):
    """The form of a password by a link; then the person is logged in."""

    template_name = "choose_password.html"
    form_class = ChosenPasswordForm
    token_generator = LINKS
    success_url = reverse_lazy("captures")
    post_reset_login = True

    def get_user(self, uidb64: str) -> User | None:
        """Return whose link it is, None where the person is not there or is inactive."""
        user = super().get_user(uidb64)
        return user if user is not None and user.is_active else None

    def form_valid(self, form: Any) -> HttpResponse:
        """Write it."""
        form.act = act_by(form.user, self.request, timezone.now())
        return super().form_valid(form)


@require_GET
@page
def account(visit: Visit) -> HttpResponse:
    """What the person is in which project, and the person's keys."""
    roles = Membership.objects.filter(person=visit.user).select_related("project")
    context = {
        "person": visit.user,
        "roles": roles.order_by("project__name"),
        "keys": visit.user.api_keys.order_by("-pk"),
        "now": visit.now,
    }
    return render(visit.request, "account.html", context)


@require_http_methods(["GET", "POST"])
@page
def change_email(visit: Visit) -> HttpResponse:
    """The form of one's own e-mail address; who only finds a browser open cannot change it."""
    form = EmailForm(visit.posted(), user=visit.user, initial={"email": visit.user.email})
    if form.is_valid():
        set_email(visit.user.pk, form.cleaned_data["email"], visit.act)
        messages.success(visit.request, "Your e-mail address is changed.")
        return redirect("account")
    context = {
        "form": form,
        "title": "Your e-mail address",
        "button": "Change it",
        "back": reverse("account"),
    }
    return render(visit.request, "form.html", context)


@require_http_methods(["GET", "POST"])
@page
def new_key(visit: Visit) -> HttpResponse:
    """The form of a new key; then the key, this once."""
    form = KeyForm(visit.posted())
    if form.is_valid():
        typed = form.cleaned_data
        expires = visit.now + timedelta(days=typed["days"])
        may_write = typed["access"] == "write"
        key = issue_key(visit.user, typed["name"], visit.act, may_write=may_write, expires=expires)
        context = {"key": key, "name": typed["name"], "expires": expires}
        api = visit.request.build_absolute_uri("/api/jobs/")
        return render(visit.request, "key.html", {**context, "api": api})
    context = {
        "form": form,
        "title": "New key for a script",
        "button": "Make it",
        "back": reverse("account"),
    }
    return render(visit.request, "form.html", context)


@require_POST
@page
def end_key(visit: Visit, number: int) -> HttpResponse:
    """Have a key of the person's own open nothing any more; an administrator may end any."""
    found = ApiKey.objects.filter(pk=number, person__in=people_for(visit.person)).first()
    if found is None:
        raise NotFound
    own = found.person_id == visit.person.id
    if not own and not visit.person.administers:
        raise Forbidden
    revoke_key(number, visit.act)
    messages.success(visit.request, f"The key {found.name} is revoked: it opens nothing any more.")
    return redirect("account") if own else redirect("person", found.person_id)
