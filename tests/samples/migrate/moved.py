"""chat_2023.py as it is on v2: nothing must change any more."""

import qianfan

chat = qianfan.ChatCompletion(model="ernie-4.5-turbo-128k")
print(chat.do(messages=[{"role": "user", "content": "你好"}])["result"])
print(chat.do(model="ERNIE-Bot-4", messages=[{"role": "user", "content": "你好"}])["result"])

emb = qianfan.Embedding()
print(emb.do(texts=["世界上最高的山", "珠穆朗玛峰"])["data"][0]["embedding"][:3])
