"""Module paths that code written for earlier SDKs imports from."""

from qianfan.resources.tools import tokenizer

__all__ = ["tokenizer"]
