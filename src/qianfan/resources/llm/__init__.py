"""Module paths that code written for earlier SDKs imports from."""

from qianfan.resources.llm import chat_completion, completion, embedding, plugin

__all__ = ["chat_completion", "completion", "embedding", "plugin"]
