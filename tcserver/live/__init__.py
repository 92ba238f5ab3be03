"""
Real time: the sockets of clients and of browsers, and the hints between server processes.

What is said there is in the database; a hint that is lost is made up for by the next look.
"""
