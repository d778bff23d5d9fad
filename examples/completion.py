"""A text written on from its beginning: whole, streamed, and by a model that writes SQL.

QIANFAN_LOCAL=1 python examples/completion.py
"""

import qianfan

completion = qianfan.Completion()

resp = completion.do(prompt="用一句话介绍杭州")
print(resp["result"])
print(f"（{resp.usage.total_tokens} tokens）\n")

for event in completion.do(prompt="Tell me about Hangzhou in one sentence.", stream=True):
    print(event["result"], end="", flush=True)

print("\n")
print(completion.do(prompt="统计每个城市的订单数", model="SQLCoder-7B")["result"])
