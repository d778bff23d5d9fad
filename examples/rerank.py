"""Retrieve by vectors, then rerank: the vectors find candidates, the reranker puts them in order.

QIANFAN_LOCAL=1 python examples/rerank.py [QUESTION]
"""

import sys
from math import hypot

import qianfan

DOCUMENTS = [
    "商品签收后七天内可以退货，运费由买家承担。",
    "退款在退货入库后三个工作日内到账。",
    "电子发票在订单页面下载。",
    "会员积分每年年底清零。",
    "客服电话的服务时间是九点到十八点。",
]

question = " ".join(sys.argv[1:]) or "退货之后多久能收到退款"

vectors = [item["embedding"] for item in qianfan.Embedding().do(texts=[question, *DOCUMENTS])["data"]]
asked, known = vectors[0], vectors[1:]
nearness = [sum(x * y for x, y in zip(asked, vector, strict=True)) / hypot(*vector) for vector in known]
candidates = sorted(range(len(DOCUMENTS)), key=lambda index: -nearness[index])[:3]

resp = qianfan.Reranker().do(query=question, documents=[DOCUMENTS[i] for i in candidates], top_n=2)

print(f"问：{question}")
for result in resp["results"]:
    number = candidates[result["index"]] + 1  # `index` is the place among the candidates
    print(f"{result['relevance_score']:.2f}  文档 {number}：{result['document']}")
