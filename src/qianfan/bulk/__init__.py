"""Many requests: bounded, in order, resumable. `client.map` is the way in.

many.py        `map` and `amap`
start.py       how a run begins
job.py         what is asked: an input becomes the arguments of a call
source.py      where inputs come from
packing.py     texts to embed, several to a request
run.py         one run in an event loop: reads, asks, records, puts in order
results.py     what users iterate, sync and async
gate.py        lets so many requests out at once as the level allows
level.py       how many that is: found by trying
checkpoint.py  the file that a run survives by
outcome.py     what became of one input, and of all
batch.py       the form that later SDKs have: `batch_do`
"""
