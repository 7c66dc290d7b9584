"""One run writes at a time: the lock, and what a run that was killed leaves behind.

Belongs here: whose turn it is, and the end of runs that nobody ended. Does not belong here: what a run does.
"""
