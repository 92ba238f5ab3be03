"""`python -m tcclient.account`"""

from tcclient.account.command import main

main()
