#!/usr/bin/env bash
# Two plugins of mypy 2.4.1 that a Django site on Twisted needs: in one order all is well, in the
# other mypy knows nothing of Django's models, and names neither the plugins nor the order.
#
# mypy asks its plugins in turn and stops at the first that answers a hook.  mypy-zope 1.0.17 answers
# for every class and every method call, if only to do nothing, so django-stubs 6.1.2 behind it is
# never asked: managers, fields and ids of models are then unknown or Any.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check \
    Django==5.2.19 django-stubs==6.1.2 mypy==2.4.1 mypy-zope==1.0.17 2>/dev/null
mkdir -p "$work/site/shop"
cd "$work/site"
touch shop/__init__.py
cat > shop/settings.py <<'PY'
SECRET_KEY = "x"
INSTALLED_APPS = ["shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PY
cat > shop/models.py <<'PY'
from django.db import models


class Order(models.Model):
    name = models.TextField()


def newest() -> str:
    order = Order.objects.order_by("-id")[0]
    return f"{order.id}: {order.name}"
PY
for plugins in "mypy_django_plugin.main, mypy_zope:plugin" "mypy_zope:plugin, mypy_django_plugin.main"; do
    printf '[mypy]\nstrict = true\nplugins = %s\n[mypy.plugins.django-stubs]\ndjango_settings_module = shop.settings\n' "$plugins" > mypy.ini
    echo "== $plugins"
    PYTHONPATH=. "$work/env/bin/mypy" --no-incremental shop/models.py > out.txt 2>&1 || true
    cat out.txt
    case $plugins in
        mypy_django*) grep -q "^Success" out.txt ;;
        *) grep -q '"Order" has no attribute "id"' out.txt ;;
    esac
done
