"""What the client decides, without doing: no I/O, no clock, no thread, no asyncio, no environment.

`flow` is the way of a call, written once as generators that yield the effects of `effects`;
the drivers carry them out, one in threads and one in asyncio. A test holds these imports.
"""
