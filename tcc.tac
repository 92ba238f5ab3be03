"""For `twistd -ny tcc.tac`; the environment variable TCC_CONFIG names the settings file."""

import os

from tcclient.command import make_application

application = make_application(os.environ)
