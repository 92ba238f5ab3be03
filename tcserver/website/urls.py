"""The addresses of the pages."""

from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.urls import path, re_path, reverse_lazy
from django.views.generic import RedirectView

from tcserver.website import captures, clients

_ACT = "|".join(captures.ACTS)

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="captures")),
    path("login/", LoginView.as_view(template_name="login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path(
        "password/",
        PasswordChangeView.as_view(
            template_name="password.html", success_url=reverse_lazy("captures")
        ),
        name="password",
    ),
    path("captures/", captures.captures, name="captures"),
    path("captures/new/", captures.new_capture, name="new_capture"),
    path("captures/<int:number>/", captures.capture, name="capture"),
    path("captures/<int:number>/edit/", captures.edit_capture, name="edit_capture"),
    re_path(
        rf"^captures/(?P<number>[0-9]+)/(?P<act>{_ACT})/$",
        captures.act_on_capture,
        name="act_on_capture",
    ),
    path("clients/", clients.clients, name="clients"),
    path("clients/new/", clients.new_client, name="new_client"),
    path("clients/<int:number>/", clients.client, name="client"),
    path("clients/<int:number>/tokens/", clients.new_token, name="new_token"),
    path(
        "clients/<int:number>/tokens/<int:token>/revoke/",
        clients.revoke_token,
        name="revoke_token",
    ),
    path("clients/<int:number>/retire/", clients.retire_client, name="retire_client"),
]
