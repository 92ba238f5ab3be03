"""
`python -m benchmarks.generator`: the process that sends a stream, made to cost next to nothing.

It listens on a plain and a TLS port, and takes one command a line:

    expect POSTS HOW   so many are for the next one who asks for the stream, and nobody else; HOW
                       is `recorded` before that, or `live`, made while they are sent
    send RATE          send them, at so many a second, 0 for flat out (recorded only)
    idle SECONDS       send keep-alives instead of them
    end TIMES          end the body; write when each post was sent into this file, - for none

Each line that it prints is a JSON object with an `event`: listening, ready, connected, sent,
ended, lost.
"""

import argparse
import sys

from benchmarks.serving import Handler, Server
from benchmarks.stage import Stage, tell


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api", choices=("v1.1", "v2"), required=True)
    parser.add_argument("--chunks", choices=("tweet", "64k"), required=True)
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--pem", required=True, help="the certificate and its key")
    parser.add_argument("--tag", action="append", default=[], help="of a capture's rule, in order")
    return parser.parse_args()


def main() -> None:
    options = read_arguments()
    stage = Handler.stage = Stage(options)
    plain, secure = Server(), Server(options.pem)
    ports = {"plain": plain.server_port, "tls": secure.server_port}
    tell("listening", **ports)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "expect":
            stage.expect(int(words[1]), live=words[2] == "live")
            tell("ready")
        else:
            stage.commands.put(words)


if __name__ == "__main__":
    main()
