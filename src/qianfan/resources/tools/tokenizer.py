"""Where earlier SDKs kept `Tokenizer`."""

from qianfan.classic import Tokenizer

__all__ = ["Tokenizer"]
