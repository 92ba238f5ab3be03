"""`python -m tcaccount`"""

from tcaccount.command import main

main()
