"""This project, by the same classic surface, on v2 with an API key."""

from __future__ import annotations

import os

import qianfan
from clients import ours


def chat(server: str) -> qianfan.ChatCompletion:
    os.environ["QIANFAN_CONSOLE_API_BASE_URL"] = server
    return qianfan.ChatCompletion(api_key="bce-v3/x")


class Sync(ours.Sync):
    def __init__(self, server: str) -> None:
        self.chat = chat(server)


class Async(ours.Async):
    def __init__(self, server: str) -> None:
        self.chat = chat(server)
