"""A program as the README of 2023 taught it."""

import os

import qianfan
from qianfan import Completion as Writer

os.environ["QIANFAN_AK"] = "Zx81mQp0vT4nR7bL2kYc9sWd"
os.environ["QIANFAN_SK"] = "..."

MODEL = "ERNIE-Bot-4"

chat = qianfan.ChatCompletion(ak="...", sk="...")
print(chat.do(messages=[{"role": "user", "content": "你好"}])["result"])
print(chat.do([{"role": "user", "content": "你好"}], MODEL)["result"])
print(chat.do(model="bloomz-7b", messages=[{"role": "user", "content": "你好"}], temperature=0)["result"])
print(chat.do(endpoint="my_tuned_model", messages=[{"role": "user", "content": "你好"}]))

for name in ["ERNIE-Bot", "ERNIE-3.5-8K-1222", "ernie-4.5-turbo-128k", "qwen-max"]:
    for event in chat.do(model=name, messages=[{"role": "user", "content": name}], stream=True):
        print(event["result"])

writer = Writer(model="SQLCoder-7B")
print(writer.do(prompt="SELECT"))

plugin = qianfan.Plugin()
print(plugin.do(endpoint="my_plugin", prompt="你好")["result"])
print(qianfan.Embedding().do(texts=["山"], model="embedding-v1")["data"])

task = qianfan.FineTune.create_task("demo", ak="...", sk="...")
