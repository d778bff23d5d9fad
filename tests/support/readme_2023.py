"""The README of 2023, as code: the programs of that time, and what runs them."""

from __future__ import annotations

# The examples as that README has them. What differs: the end of input ends the endless loop, and the
# example of Plugin imports the package that the README imports above it.
CALLS = """
import qianfan
chat_comp = qianfan.ChatCompletion(ak="...", sk="...")

# 调用默认模型，即 ERNIE-Bot-turbo
resp = chat_comp.do(messages=[{
    "role": "user",
    "content": "你好"
}])

print(resp['body']['result'])
# 输入：你好
# 输出：你好！有什么我可以帮助你的吗？

# 指定特定模型
resp = chat_comp.do(model="ERNIE-Bot", messages=[{
    "role": "user",
    "content": "你好"
}])

# 指定自行发布的模型
resp = chat_comp.do(endpoint="your_custom_endpoint", messages=[{
    "role": "user",
    "content": "你好"
}])
"""

LOOP = """
import qianfan
chat_comp = qianfan.ChatCompletion(ak="...", sk="...")

# 也可以利用内置 Messages 简化多轮对话
# 下面是一个简单的用户对话案例，实现了对话内容的记录
msgs = qianfan.Messages()
while True:
    msgs.append(input())         # 增加用户输入
    resp = chat_comp.do(messages=msgs)
    print(resp)									 # 打印输出
    msgs.append(resp)            # 增加模型输出
"""

ASYNC = """
import qianfan
chat_comp = qianfan.ChatCompletion(ak="...", sk="...")

# 异步调用
resp = await chat_comp.ado(model="ERNIE-Bot-turbo", messages=[{
    "role": "user",
    "content": "你好"
}])
print(resp['body']['result'])

# 异步流式调用
resp = await chat_comp.ado(model="ERNIE-Bot-turbo", messages=[{
    "role": "user",
    "content": "你好"
}], stream=True)

async for r in resp:
    print(r['result'])
"""

COMPLETION = """
import qianfan
comp = qianfan.Completion(ak="...", sk="...")

resp = comp.do(model="ERNIE-Bot", prompt="你好")
# 输出：你好！有什么我可以帮助你的吗？

# 续写功能同样支持流式调用
resp = comp.do(model="ERNIE-Bot", prompt="你好", stream=True)
for r in resp:
    print(r['result'])

# 异步调用
resp = await comp.ado(model="ERNIE-Bot-turbo", prompt="你好")
print(resp['body']['result'])

# 异步流式调用
resp = await comp.ado(model="ERNIE-Bot-turbo", prompt="你好", stream=True)
async for r in resp:
    print(r['result'])

# 调用非平台内置的模型
resp = comp.do(endpoint="your_custom_endpoint", prompt="你好")
"""

EMBEDDING = """
# Embedding 基础功能
import qianfan
emb = qianfan.Embedding(ak="...", sk="...")

resp = emb.do(model="Embedding-V1", texts=["世界上最高的山"])
print(resp['data'][0]['embedding'])
# 输出：0.062249645590782166, 0.05107472464442253, 0.033479999750852585, ...]

# 异步调用
resp = await emb.ado(texts=[
    "世界上最高的山"
])
print(resp['data'][0]['embedding'])

# 使用非预置模型
resp = emb.do(endpoint="your_custom_endpoint", texts=[
    "世界上最高的山"
])
"""

PLUGIN = """
# Plugin 基础功能展示
import qianfan
plugin = qianfan.Plugin()
resp = plugin.do(endpoint="your_custom_endpoint", prompt="你好")
print(resp['result'])

# 流式调用
resp = plugin.do(endpoint="your_custom_endpoint", prompt="你好", stream=True)

# 异步调用
resp = await plugin.ado(endpoint="your_custom_endpoint", prompt="你好")
print(resp['result'])

# 异步流式调用
resp = await plugin.ado(endpoint="your_custom_endpoint", prompt="你好", stream=True)
async for r in resp:
    print(r)
"""

RATE = """
import qianfan
chat_comp = qianfan.ChatCompletion(query_per_second=0.5)
print(chat_comp.do(messages=[{"role": "user", "content": "你好"}])['body']['result'])
"""

BY_ENVIRONMENT = """
# 通过环境变量传递（作用于全局，优先级最低）
import os
os.environ["QIANFAN_AK"]="..."
os.environ["QIANFAN_SK"]="..."
"""

BY_FUNCTION = """
# 或者通过内置函数传递（作用于全局，优先级大于环境变量）
import qianfan
qianfan.AK("...")
qianfan.SK("...")
"""

BY_CONSTRUCTOR = """
# 或者构造时传递（仅作用于该对象，优先级最高）
import qianfan
chat_comp = qianfan.ChatCompletion(ak="...", sk="...")
"""

CALL = """
import qianfan
chat_comp = qianfan.ChatCompletion()
print(chat_comp.do(messages=[{"role": "user", "content": "你好"}])['body']['result'])
"""

# The console's examples. Their ids (a dataset 1234, a model 5862, a version 5659, a task 9220, ...) are of
# somebody's account; on a platform of our own they can only be those that the calls before gave, so
# GLUE between the examples puts them into the README's places.
TUNE = """
import qianfan
# 创建任务
resp = qianfan.FineTune.create_task(name="task_name", description="task_desc")
# 获取返回结果
task_id = resp['result']['id']
print(task_id)

# 创建任务运行，具体参数可以参见 API 文档
create_job_resp = qianfan.FineTune.create_job({
    "taskId": task_id,
    "baseTrainType": "ERNIE-Bot-turbo",
    "trainType": "ERNIE-Bot-turbo-0725",
    "trainMode": "SFT",
    "peftType": "LoRA",
    "trainConfig": {
        "epoch": 4,
        "learningRate": 0.00002,
        "batchSize": 4,
        "maxSeqLen": 4096
    },
    "trainset": [
        {
            "type": 1,
            "id": 1234
        }
    ],
    "trainsetRate": 20
})

# 获取运行 id
print(create_job_resp['result']['id'])
"""

LOOK = """
# 根据任务和运行id，查询任务运行的具体状态
job= qianfan.FineTune.get_job(task_id, job_id)
# 获取任务详情
print(job['result'])
"""

STOP = """
# 提供任务和运行 id，停止运行
stop = qianfan.FineTune.stop_job(task_id, job_id)
# 获取停止结果
print(stop['result']) # => True
"""

PUBLISH = """
g = qianfan.Model.publish(
    is_new=True,
    model_name="sdk_test_1",
    version_meta={"taskId": 9220, "iterationId": 5234},
)
print(g['result']['modelId'])
"""

LIST = """
model_list = qianfan.Model.list(model_id = 5862)
print(model_list['result']['modelVersionList'][0]['modelName'])
"""

DETAIL = """
model = qianfan.Model.detail(model_version_id = 5659)
print(model['result']['modelName'])
"""

CREATE_SERVICE = """
g = qianfan.Service.create(
    model_id=123,
    iteration_id=456,
    name="sdk_test",
    uri="svc_uri",
    replicas=1,
    pool_type=2,
)
print(g['result'])
"""

GET_SERVICE = """
svc = qianfan.Service.get(id = 2047)
print(svc['result']['id'])
"""

KEYS_BY_ENVIRONMENT = """
# 通过环境变量传递（作用于全局，优先级最低）
import os
os.environ["QIANFAN_ACCESS_KEY"] = "..."
os.environ["QIANFAN_SECRET_KEY"] = "..."
"""

KEYS_BY_FUNCTION = """
# 或者通过内置函数传递（作用于全局，优先级大于环境变量）
import qianfan
qianfan.AccessKey("...")
qianfan.SecretKey("...")
"""

KEYS_BY_CALL = """
# 或者调用相关接口时传递（仅作用于该请求，优先级最高）
import qianfan
task = qianfan.FineTune.create_task(ak="...", sk="...")
"""

MODELS = [
    "ERNIE-Bot-4",
    "ERNIE-Bot-turbo",
    "ERNIE-Bot",
    "BLOOMZ-7B",
    "Llama-2-7b-chat",
    "Llama-2-13b-chat",
    "Llama-2-70b-chat",
    "Qianfan-BLOOMZ-7B-compressed",
    "Qianfan-Chinese-Llama-2-7B",
    "ChatGLM2-6B-32K",
    "AquilaChat-7B",
]

VECTOR_MODELS = ["Embedding-V1", "bge-large-en", "bge-large-zh"]

#: Runs a program given as text, `await` outside a function and all.
RUNNER = """
import ast, asyncio, inspect, logging, sys
logging.getLogger("asyncio").setLevel(logging.ERROR)
code = compile(sys.argv[1], "readme", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
namespace = {"__name__": "readme"}
try:
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(code, namespace))
    else:
        exec(code, namespace)
except EOFError:
    pass
"""

#: Between the examples: an id that the README takes for granted, and the time that a job takes.
JOB_ID = "job_id = create_job_resp['result']['id']"
PASS_TIME = "platform.advance(hours=6)"

PUBLISHED = PUBLISH.replace("9220", "task_id").replace("5234", "job_id") + "published = g['result']"

#: The sections 大模型调优, 大模型管理 and 大模型服务 as one program.
CONSOLE = "\n".join(
    [
        *(TUNE, JOB_ID, LOOK, PASS_TIME, LOOK, PUBLISHED),
        LIST.replace("5862", "published['modelId']"),
        DETAIL.replace("5659", "published['versionId']"),
        CREATE_SERVICE.replace("123", "published['modelId']").replace("456", "published['versionId']"),
        GET_SERVICE.replace("2047", "g['result']['serviceId']"),
    ]
)
