"""A function call there and back: the model asks for the weather, the program answers.

QIANFAN_LOCAL=1 python examples/function_calling.py
"""

import json

import qianfan


def get_weather(city: str) -> dict[str, str]:
    """Return the weather of a city; a real program would ask someone."""
    return {"city": city, "weather": "晴", "temperature": "25℃"}


functions = [
    {
        "name": "get_weather",
        "description": "查询城市的天气",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "城市名，如北京"}},
            "required": ["city"],
        },
    }
]

chat = qianfan.ChatCompletion(model="ERNIE-Bot")
msgs = qianfan.Messages()
msgs.append("北京今天的天气怎么样？")

resp = chat.do(messages=msgs, functions=functions)
while call := resp.get("function_call"):
    print(f"模型要求调用：{call['name']}({call['arguments']})")
    msgs.append(resp)
    msgs.append(json.dumps(get_weather(**json.loads(call["arguments"])), ensure_ascii=False))
    resp = chat.do(messages=msgs, functions=functions)

print(resp["result"])
