"""Work on what strangers sent, in processes that may take so much CPU time and memory and no more.

`children.Host` starts `host.py` as a process of its own, once for each module: it imports the module, and forks a
child for each piece of work, which calls the module's `serve`. Such modules know nothing of Django: they are imported
quickly, and what they import is all that a child holds.
"""
