"""Module paths that code written for earlier SDKs imports from."""

from qianfan.resources.llm import chat_completion

__all__ = ["chat_completion"]
