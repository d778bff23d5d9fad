"""The official SDK on v1. The classic surface is the same, so is the code: only the environment differs."""

from clients.ours import Async, Sync

__all__ = ["Async", "Sync"]
