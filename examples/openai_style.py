"""The form of openai, on v2: streamed chat, a tool that is a Python function, a reply of a type.

QIANFAN_LOCAL=1 QIANFAN_API_VERSION=2 python examples/openai_style.py
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import qianfan


@dataclass
class Trip:
    """A plan for a trip."""

    city: str
    days: int
    sights: list[str]


def get_weather(city: str) -> str:
    """查询一个城市今天的天气.

    Args:
        city: 城市的名称。
    """
    return json.dumps({"city": city, "weather": "晴"}, ensure_ascii=False)


def main() -> None:
    """Show the three."""
    with qianfan.Qianfan(version=2) as client:
        create = client.chat.completions.create

        for chunk in create(messages=[{"role": "user", "content": "用一句话介绍杭州"}], stream=True):
            print(chunk.choices[0].delta.content or "", end="", flush=True)
        print()

        messages: list[dict] = [{"role": "user", "content": "北京今天的天气怎么样？"}]
        message = create(model="ernie-4.0-8k", messages=messages, tools=[get_weather]).choices[0].message
        messages.append(message)
        for call in message.tool_calls or []:
            result = qianfan.schema.call(get_weather, call.arguments)
            print(f"{call.name}({call.arguments}) → {result}")
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        print(create(model="ernie-4.0-8k", messages=messages, tools=[get_weather])["result"])

        question = [{"role": "user", "content": "安排三天的杭州之行"}]
        trip = create(model="ernie-4.0-8k", messages=question, response_format=Trip).parsed
        print(f"{type(trip).__name__}: {trip.days} 天，{'、'.join(trip.sights)}")


if __name__ == "__main__":
    main()
