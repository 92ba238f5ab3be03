"""`python -m tcclient.sandbox.server`"""

from tcclient.sandbox.server.standin import main

main()
