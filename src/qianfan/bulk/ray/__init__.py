"""The engine `ray`: calls whose requests are sent by workers of a Ray cluster.

engine.py   `RayEngine`: which cluster, how many workers
asker.py    carries the calls of a run out: here, but for their requests
crew.py     the workers as the run sees them: who is there, who is lost
member.py   one worker as the run sees it: requests out, replies in
worker.py   what runs in the cluster: connections, and nothing else
session.py  this process in a cluster, or with one of its own

For datasets of Ray, of which no row passes this process:

data.py     `answered`: workers that each hold one client
"""
