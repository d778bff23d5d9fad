"""HTTP by hand, and the OpenAI SDK on v2."""

import requests
from openai import OpenAI

API = "https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/completions_pro"


def token(ak, sk):
    url = f"https://aip.baidubce.com/oauth/2.0/token?grant_type=client_credentials&client_id={ak}&client_secret={sk}"
    return requests.post(url, timeout=5).json()["access_token"]


def ask(text, key):
    reply = requests.post(f"{API}?access_token={key}", json={"messages": [{"role": "user", "content": text}]}, timeout=60)
    return reply.json()["result"]


OCR = "https://aip.baidubce.com/rest/2.0/ocr/v1/general_basic"
TASKS = "https://qianfan.baidubce.com/wenxinworkshop/finetune/createTask"
client = OpenAI(base_url="https://qianfan.baidubce.com/v2", api_key="bce-v3/ALTAK-abcdefghij/0123456789abcdef0123456789abcdef01234567")
