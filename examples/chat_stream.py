"""A streamed chat on the local platform: no account, no key, no network.

python examples/chat_stream.py "用一句话介绍杭州"
"""

import sys

import qianfan

question = " ".join(sys.argv[1:]) or "你好，请介绍一下你自己"

# A real platform on a port of this machine; 0.03 s between events, so that one sees them come.
with qianfan.local.platform(chunk_delay=0.03) as platform:
    print(f"本地平台：{platform.url}")
    print(f"问：{question}")
    print("答：", end="", flush=True)
    chat = qianfan.ChatCompletion(base_url=platform.url, ak=platform.ak, sk=platform.sk)
    for event in chat.do(messages=[{"role": "user", "content": question}], stream=True):
        print(event["result"], end="", flush=True)
    usage = event["usage"]
    print(f"\n（输入 {usage['prompt_tokens']} + 输出 {usage['completion_tokens']} tokens）")
