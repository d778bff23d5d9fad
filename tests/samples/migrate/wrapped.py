"""Names followed through a class, defaults, aliases, threads and other files."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial

import qianfan as qf
from shared import FALLBACK, assistant


class Bot:
    model = "ERNIE-Lite-8K-0922"

    def __init__(self, name="AquilaChat-7B", *, client: qf.ChatCompletion | None = None):
        self.chat = client or qf.ChatCompletion(model=name)

    @cached_property
    def embedder(self):
        return qf.Embedding()

    def ask(self, text, model=None):
        return self.chat.do([{"role": "user", "content": text}], model=model or self.model)

    def vectors(self, texts):
        return self.embedder.do(texts, "tao-8k")


def make():
    return qf.Completion()


bot = Bot("ChatLaw")
bot.ask("你好", "Yi-34B-Chat")
options = {"model": "Gemma-7B-it", "temperature": 0.5}
make().do("从前", **options)
make().do("从前", **input())
assistant.do([], model=FALLBACK)
with ThreadPoolExecutor() as pool:
    pool.submit(bot.chat.do, [], model="ERNIE-Tiny-8K")
    ask = partial(make().do, model="Mixtral-8x7B-Instruct")
asyncio.run(asyncio.to_thread(bot.chat.do, [], f"ERNIE-{input()}"))
getattr(qf, input())
unknown = input()
unknown.do("x", model="ERNIE-Bot-turbo")
with qf.Qianfan(access_key="...", secret_key="...") as client:
    client.chat.do([])
    client.plugin.do("你好", endpoint="app")
    print(client.chat.access_token())
