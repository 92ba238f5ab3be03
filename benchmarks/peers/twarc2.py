"""
`twarc2.py ROOT FILE v2`: what twarc hands over.

It keeps no raw lines; they are written again from JSON, as its own command does.
"""

import json
import sys
from pathlib import Path

from rewrite import send_to
from twarc import Twarc2

send_to(sys.argv[1])
with Path(sys.argv[2]).open("w") as file:
    for post in Twarc2(bearer_token="bearer").stream():
        file.write(json.dumps(post) + "\n")
