"""Several questions at once, each answer streamed, in one event loop.

QIANFAN_LOCAL=1 python examples/chat_async.py
"""

import asyncio

import qianfan

QUESTIONS = ["用一句话介绍杭州", "12*7等于多少？", "What is a token?"]


async def answer(chat: qianfan.ChatCompletion, question: str) -> str:
    """Return the whole answer to a question."""
    async with await chat.ado(messages=[{"role": "user", "content": question}], stream=True) as stream:
        return (await stream.acollect())["result"]


async def main() -> None:
    """Ask all questions at once and print the answers in their order."""
    chat = qianfan.ChatCompletion()
    answers = await asyncio.gather(*(answer(chat, question) for question in QUESTIONS))
    for question, text in zip(QUESTIONS, answers, strict=True):
        print(f"问：{question}\n答：{text}\n")


asyncio.run(main())
