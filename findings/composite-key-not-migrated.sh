#!/usr/bin/env bash
# Django 5.2.19: a model whose composite primary key has a foreign key gets a migration that cannot
# be run, if the same makemigrations adds an index to whatever other model of the app.
#
# makemigrations takes foreign keys out of CreateModel and adds them by an AddField at the end.  Its
# optimizer puts the two together again, unless something stands between them that it may not pass,
# such as the AddIndex of another model.  Then the table would be made without a column of its key.
# `check` finds nothing, `makemigrations` says nothing, `migrate` fails with FieldDoesNotExist.
# A makemigrations of its own for the index, or moving the field by hand, helps.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check Django==5.2.19 2>/dev/null
manage() { PYTHONPATH=. DJANGO_SETTINGS_MODULE=settings "$work/env/bin/django-admin" "$@"; }
for times in once twice; do
    mkdir -p "$work/$times/people" "$work/$times/shop"
    cd "$work/$times"
    touch people/__init__.py shop/__init__.py
    cat > settings.py <<'PY'
SECRET_KEY = "x"
INSTALLED_APPS = ["people", "shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
PY
    echo 'from django.db import models' | tee people/models.py > shop/models.py
    printf '\n\nclass Person(models.Model):\n    pass\n' >> people/models.py
    printf '\n\nclass Item(models.Model):\n    price = models.IntegerField()\n' >> shop/models.py
    manage makemigrations -v0 people shop
    cat >> shop/models.py <<'PY'

    class Meta:
        indexes = [models.Index(fields=["price"], name="by_price")]
PY
    [ $times = once ] || manage makemigrations -v0 shop
    cat >> shop/models.py <<'PY'


class Visit(models.Model):
    pk = models.CompositePrimaryKey("person_id", "day")
    person = models.ForeignKey("people.Person", models.CASCADE)
    day = models.DateField()
PY
    manage check
    manage makemigrations -v0 shop
    status=0
    manage migrate -v0 2> error || status=$?
    echo "makemigrations $times: migrate has status $status. $(tail -n 1 error)"
    if [ $times = once ]; then
        grep -q "FieldDoesNotExist: Visit has no field named 'person_id'" error
    else
        [ $status -eq 0 ]
    fi
done
