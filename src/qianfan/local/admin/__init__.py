"""The admin API: the platform's Python object for other languages and processes, as JSON under one prefix.

`entry` says who may come in, `door` speaks HTTP, `operations` is the table of what there is, `shapes` says
how things look. Nothing of it enters the journal.
"""

PREFIX = "/_platform"
