"""The addresses of the pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path, re_path
from django.views.generic import RedirectView

from tcserver.accounts.exports import FORMATS, TABLES
from tcserver.website import (
    about,
    account,
    advice,
    alerts,
    captureaccount,
    capturepage,
    captures,
    channels,
    clients,
    events,
    history,
    people,
    projects,
)
from tcserver.website.login import Login, forgotten_password

_ACT = "|".join(captures.ACTS)
_NUMBER = "(?P<number>[0-9]{1,18})"
_TABLE, _FORMAT = "|".join(TABLES), "|".join(FORMATS)

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="captures")),
    path("login/", Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", account.ChangePassword.as_view(), name="password"),
    path("password/forgotten/", forgotten_password, name="forgotten_password"),
    path("choose/<uidb64>/<token>/", account.ChoosePassword.as_view(), name="choose_password"),
    path("account/", account.account, name="account"),
    path("account/email/", account.change_email, name="change_email"),
    path("account/keys/new/", account.new_key, name="new_key"),
    path("account/keys/<int:number>/revoke/", account.end_key, name="revoke_key"),
    path("captures/", captures.captures, name="captures"),
    path("captures/keywords/", advice.keyword_advice, name="keyword_advice"),
    path("captures/new/", captures.new_capture, name="new_capture"),
    path("captures/<int:number>/", capturepage.capture, name="capture"),
    path("captures/<int:number>/account/", captureaccount.capture_account, name="capture_account"),
    path(
        "captures/<int:number>/account/account.json",
        captureaccount.account_document,
        name="account_document",
    ),
    path(
        "captures/<int:number>/account/files.sha256",
        captureaccount.account_checksums,
        name="account_checksums",
    ),
    re_path(
        rf"^captures/{_NUMBER}/account/(?P<table>{_TABLE})\.(?P<format>{_FORMAT})$",
        captureaccount.account_table,
        name="account_table",
    ),
    path(
        "captures/<int:number>/ledgers/<int:ledger>/",
        captureaccount.ledger_file,
        name="ledger_file",
    ),
    path("captures/<int:number>/events/", events.capture_events, name="capture_events"),
    path("captures/<int:number>/note/", capturepage.note_on_capture, name="note_on_capture"),
    path("captures/<int:number>/edit/", captures.edit_capture, name="edit_capture"),
    re_path(
        rf"^captures/{_NUMBER}/(?P<act>{_ACT})/$",
        captures.act_on_capture,
        name="act_on_capture",
    ),
    path("clients/", clients.clients, name="clients"),
    path("clients/new/", clients.new_client, name="new_client"),
    path("clients/<int:number>/", clients.client, name="client"),
    path("clients/<int:number>/projects/", clients.client_projects, name="client_projects"),
    path("clients/<int:number>/tokens/", clients.new_token, name="new_token"),
    path(
        "clients/<int:number>/tokens/<int:token>/revoke/",
        clients.revoke_token,
        name="revoke_token",
    ),
    path("clients/<int:number>/retire/", clients.retire_client, name="retire_client"),
    path("alerts/", alerts.alerts, name="alerts"),
    path("alerts/channels/new/", channels.new_channel, name="new_channel"),
    path("alerts/channels/<int:number>/", channels.channel, name="channel"),
    path("alerts/channels/<int:number>/key/", channels.channel_key, name="channel_key"),
    re_path(
        rf"^alerts/channels/{_NUMBER}/(?P<act>{'|'.join(channels.ACTS)})/$",
        channels.act_on_channel,
        name="act_on_channel",
    ),
    path("history/", history.history, name="history"),
    path("about/", about.about, name="about"),
    path("people/", people.people, name="people"),
    path("people/new/", people.new_person, name="new_person"),
    path("people/<int:number>/", people.person, name="person"),
    path("people/<int:number>/link/", people.new_link, name="new_link"),
    re_path(
        rf"^people/{_NUMBER}/(?P<act>{'|'.join(people.ACTS)})/$",
        people.act_on_person,
        name="act_on_person",
    ),
    path("projects/", projects.projects, name="projects"),
    path("projects/new/", projects.new_project, name="new_project"),
    path("projects/<int:number>/", projects.project, name="project"),
    path("projects/<int:number>/edit/", projects.edit_project, name="edit_project"),
    path("projects/<int:number>/members/", projects.members, name="members"),
]
