"""A plugin application on the local platform: a function and a few texts of your own answer.

python examples/plugin.py
"""

import qianfan


def get_weather(question: str) -> str:
    """Return the weather; a real program would ask someone."""
    return f"晴，25℃（问题：{question}）"


with qianfan.local.platform() as platform:
    platform.add_endpoint("my_app", "plugin")
    platform.add_plugin(get_weather, description="查询城市的天气")  # chosen by its description
    platform.add_knowledge("商品签收后七天内可以退货。")

    plugin = platform.client().plugin
    for question in ("北京今天的天气怎么样？", "签收后几天内可以退货？", "你好"):
        resp = plugin.do(endpoint="my_app", prompt=question, verbose=True)
        print(f"问：{question}\n答：{resp['result']}")
        print(f"（来自 {resp['meta_info']['plugin_id'] or '模型'}）\n")

    print("流式：", end="")
    for event in plugin.do(endpoint="my_app", prompt="上海的天气", stream=True):
        print(event["result"], end="", flush=True)
    print()

    # ERNIE Bot's plugins say in events of their own what they do.
    stream = plugin.do(model="EBPlugin", plugins=["get_weather"], prompt="杭州的天气", stream=True)
    print([event["_event"] for event in stream])
