"""
Runs the sandbox for some seconds, stops its capture as a researcher would, and compares the lines
on disk with the total that the stand-in server holds.  Usage: sandbox.py PATH_OF_TWISTD
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path


def ask(settings: dict, fields: dict | None = None) -> dict:
    """The stand-in's job, after writing `fields` to it."""
    server = settings["server"]
    request = urllib.request.Request(
        server["base_url"] + "activejobs/1/",
        None if fields is None else json.dumps(fields).encode(),
        {
            "Authorization": f"Token {server['auth_token']}",
            "Content-Type": "application/json",
        },
        method="GET" if fields is None else "PATCH",
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def until(condition, seconds: float):
    """The first true value of `condition`; ends the program where there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    sys.exit(f"{condition.__name__}: not within {seconds} s")


def main(twistd: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sandbox = Path(folder) / "sandbox"
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # which jobs in the background ignore
        process = subprocess.Popen([twistd, "-n", "tcc", "--sandbox", sandbox], cwd=folder)
        try:
            began = time.monotonic()

            def first_post() -> bool:
                return any(path.stat().st_size for path in sandbox.glob("data/demo/*.json.tmp"))

            until(first_post, 10)
            print(f"The first post was on disk after {time.monotonic() - began:.1f} s.")
            settings = json.loads((sandbox / "settings.json").read_text())

            def some_posts() -> bool:
                return (ask(settings)["total_count"] or 0) >= 100

            until(some_posts, 30)
            ask(settings, {"status": 4})

            def stopped() -> bool:
                return ask(settings)["status"] == 5

            until(stopped, 30)
            total = ask(settings)["total_count"]
            lines = sum(path.read_bytes().count(b"\n") for path in sandbox.glob("data/demo/*.json"))
            print(f"{lines} lines on disk; the server's total is {total}.")
            process.send_signal(signal.SIGINT)
            status = process.wait(30)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        # twistd ends by the signal that it was given.
        if lines != total or not lines or status != -signal.SIGINT:
            sys.exit(f"The sandbox does not agree with itself (exit status {status}).")


if __name__ == "__main__":
    main(sys.argv[1])
