"""One file per contestant, each with the same two classes: ``Sync(server)`` and ``Async(server)``.

``ask(question)`` returns the text of a unary reply, ``embed(texts)`` a vector for each text,
``stream(question)`` an iterable of events, and ``text(event)`` the text of one of them. ``look(job)`` returns
the progress of a job of fine-tuning, asked by a signed call, and ``sign()`` makes one signature. Every
contestant thus reads what a user would read.
"""
