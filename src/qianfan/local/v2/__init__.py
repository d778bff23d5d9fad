"""The inference API v2, OpenAI-compatible: its bearers, models, routes, and the shapes of its answers.

What is answered is decided where v1's answers are; here it is only read from, and written to, the wire.
"""
