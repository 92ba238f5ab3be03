#!/usr/bin/env bash
# A threading.Thread that is made before a fork, as in makeService under a twistd (Twisted 26.10)
# that becomes a daemon, is no thread to start afterwards.
#
# What Python does for the child of a fork marks every Thread object as ended, also one that was
# never started.  Up to Python 3.12 start() works, and is_alive() is False while the thread runs, so
# that who looks before starting starts it twice; in 3.13 start() raises "thread already started",
# which was never called.  With `-n`, which does not fork, all is well.  Make the thread in
# startService.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check Twisted==26.10.0 2>/dev/null
cd "$work"
cat > threads.tac <<'PY'
import threading
from twisted.application.service import Application, Service
from twisted.internet import reactor


class Worker(Service):
    def __init__(self):
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.over.wait, daemon=True)

    def startService(self):
        try:
            self.thread.start()
            found = f"alive: {self.thread.is_alive()}"
        except RuntimeError as e:
            found = f"RuntimeError: {e}"
        with open("found.new", "w") as file:
            file.write(found + "\n")
        self.over.set()
        reactor.callWhenRunning(reactor.stop)


application = Application("threads")
Worker().setServiceParent(application)
PY
env/bin/python --version
for how in "-n" ""; do
    rm -f found
    env/bin/twistd $how --pidfile= --logfile=log -oy threads.tac
    for _ in $(seq 200); do
        [ -s found.new ] && break
        sleep 0.1
    done
    mv found.new found
    echo "== twistd $how: $(cat found)"
    case $how/$(env/bin/python -c 'import sys; print(sys.version_info[1] >= 13)') in
        -n/*) grep -qx "alive: True" found ;;
        /False) grep -qx "alive: False" found ;;
        /True) grep -qx "RuntimeError: thread already started" found ;;
    esac
done
