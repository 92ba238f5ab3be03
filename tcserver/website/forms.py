"""The forms of the pages: what can be typed, and what is said when it cannot be taken."""

import re
from typing import Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.urls import reverse_lazy

from tcserver.alertsettings import ADDRESS
from tcserver.fleet.models import Client
from tcserver.history.acts import Act
from tcserver.people.models import Project, Role, User
from tcserver.people.services.passwords import choose_password

NAME = re.compile(r"[0-9A-Za-z_\- ]*")
ROLES = [
    (Role.RESEARCHER, "researcher: makes and changes captures"),
    (Role.VIEWER, "viewer: reads"),
]
MINUTES = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
KEY_DAYS = {30: "30 days", 90: "90 days", 365: "a year"}
NAME_RULE = "A name has letters, digits, spaces, _ and -."


class CaptureForm(forms.Form):
    """A capture: its name, what it looks for, and which client captures it."""

    name = forms.CharField(
        max_length=64, help_text="Letters, digits, spaces, _ and -. The folder of its files."
    )
    project = forms.ModelChoiceField(Project.objects.none())
    keywords = forms.CharField(
        required=False,
        widget=forms.Textarea(
            attrs={
                "rows": 4,
                "hx-post": reverse_lazy("keyword_advice"),
                "hx-trigger": "input changed delay:400ms, change from:#id_client",
                "hx-target": "#advice",
                "hx-swap": "outerHTML",
                "hx-sync": "this:replace",
            }
        ),
        help_text="Commas separate terms; the words of a term must all occur in a post.",
    )
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    client = forms.ModelChoiceField(Client.objects.none(), required=False, empty_label="none yet")
    planned_start = forms.DateTimeField(
        required=False, label="Start at (UTC)", widget=MINUTES, help_text="Left empty: by hand."
    )
    planned_stop = forms.DateTimeField(required=False, label="Stop at (UTC)", widget=MINUTES)

    def __init__(self, *args: Any, projects: Any, clients: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        project, client = self.fields["project"], self.fields["client"]
        assert isinstance(project, forms.ModelChoiceField)
        assert isinstance(client, forms.ModelChoiceField)
        project.queryset, client.queryset = projects, clients
        project.empty_label = None
        if len(projects) == 1:
            project.initial = projects[0]
            project.widget = project.hidden_widget()
        if len(clients) == 1:
            client.initial = clients[0]

    def clean_name(self) -> str:
        """Return a name that clients can make a folder of."""
        name: str = self.cleaned_data["name"]
        if not NAME.fullmatch(name):
            raise forms.ValidationError(NAME_RULE)
        return name

    def clean_keywords(self) -> str | None:
        """Return the keywords, None where there are none."""
        return self.cleaned_data["keywords"] or None

    def clean_description(self) -> str | None:
        """Return the description, None where there is none."""
        return self.cleaned_data["description"] or None


class EditForm(CaptureForm):
    """A capture that there is, as of the revision that its reader was shown."""

    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, capture: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        beside = f"{reverse_lazy('keyword_advice')}?capture={capture}"
        self.fields["keywords"].widget.attrs["hx-post"] = beside


class ClientForm(forms.Form):
    """A new client: its name, and whose captures it takes."""

    name = forms.CharField(max_length=64, help_text="For example the machine that it runs on.")
    projects = forms.ModelMultipleChoiceField(
        Project.objects.none(), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, projects: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["projects"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = projects
        if len(projects) == 1:
            field.initial = projects
            field.widget = field.hidden_widget()


class ServedForm(forms.Form):
    """Which projects' captures a client takes."""

    projects = forms.ModelMultipleChoiceField(
        Project.objects.order_by("name"), widget=forms.CheckboxSelectMultiple, required=False
    )


class PersonalAddress(forms.CharField):
    """A person's e-mail address, or none; in letters that can begin or end nothing in a mail."""

    def __init__(self, autocomplete: str = "off", **options: Any) -> None:
        widget = forms.EmailInput(attrs={"autocomplete": autocomplete})
        label = "E-mail address"
        super().__init__(widget=widget, label=label, max_length=254, required=False, **options)

    def clean(self, value: Any) -> str:
        """Return it.  Raises ValidationError."""
        email: str = super().clean(value)
        if email and not ADDRESS.fullmatch(email):
            raise forms.ValidationError("Type an e-mail address, as in ann@example.org.")
        return email


class PersonForm(forms.Form):
    """A new person: the name to log in by, and what the person may do."""

    name = forms.CharField(
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        help_text="To log in by: letters, digits and @ . + - _",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off"}),
    )
    email = PersonalAddress(
        help_text="Where a link goes by which the person chooses another password after "
        "forgetting it. It can be left out."
    )
    project = forms.ModelChoiceField(
        Project.objects.order_by("name"), required=False, empty_label="none yet"
    )
    role = forms.ChoiceField(choices=ROLES, label="Role in the project")
    administrator = forms.BooleanField(
        required=False, help_text="Sees and does everything: people, projects and clients too."
    )

    def clean_name(self) -> str:
        """Return the name in the form in which it is typed everywhere."""
        return str(User.normalize_username(self.cleaned_data["name"]))


class EmailForm(forms.Form):
    """A person's own e-mail address, and the password, by which the person shows to be it."""

    email = PersonalAddress(
        "email",
        help_text="Where a link goes by which you choose another password if you forget yours.",
    )
    password = forms.CharField(
        strip=False,
        label="Your password",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        """Return the password, if it is the person's."""
        password: str = self.cleaned_data["password"]
        if not self.user.check_password(password):
            raise forms.ValidationError("This is not your password.")
        return password


class ProjectForm(forms.Form):
    """A project, by its name."""

    name = forms.CharField(max_length=64, help_text="For example the study that it is for.")


class MemberForm(forms.Form):
    """Who is what in a project; without a role no member."""

    person = forms.ModelChoiceField(User.objects.order_by("username"), empty_label=None)
    role = forms.ChoiceField(choices=[*ROLES, ("", "no member")], required=False)

    def clean_role(self) -> Role | None:
        """Return the role, None to end the membership."""
        role = self.cleaned_data["role"]
        return Role(role) if role else None


class KeyForm(forms.Form):
    """A new key of a person's scripts."""

    name = forms.CharField(max_length=64, help_text="What it is for, as the name of the script.")
    access = forms.ChoiceField(
        choices=[("read", "reads only"), ("write", "reads and writes, as you may")]
    )
    days = forms.TypedChoiceField(
        choices=list(KEY_DAYS.items()), coerce=int, initial=90, label="Valid for"
    )


class _Chosen:
    """Has the service write the password that a form of Django's has taken."""

    act: Act
    user: Any
    cleaned_data: dict[str, Any]

    def save(self, commit: bool = True) -> Any:
        """Write it; return the person."""
        choose_password(self.user, self.cleaned_data["new_password1"], self.act)
        return self.user


class ChosenPasswordForm(_Chosen, SetPasswordForm):  # type: ignore[type-arg]  # generic in stubs
    """A password, twice; `act` has to be given before it is saved."""


class ChangedPasswordForm(_Chosen, PasswordChangeForm):
    """The password before, and another one twice; `act` has to be given before it is saved."""
