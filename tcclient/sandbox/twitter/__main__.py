"""`python -m tcclient.sandbox.twitter`"""

from tcclient.sandbox.twitter.command import main

main()
