"""Vectors of many texts with one call, and how near the texts are to each other.

QIANFAN_LOCAL=1 python examples/embedding.py
"""

from math import hypot

import qianfan

TEXTS = ["如何申请退款", "退款的申请步骤", "今天天气很好", "How do I get my money back?"]


def cosine(a: list[float], b: list[float]) -> float:
    """Return how near two vectors are, from -1 to 1."""
    return sum(x * y for x, y in zip(a, b, strict=True)) / (hypot(*a) * hypot(*b))


# More texts than a request takes are sent in several, and come back in their order.
resp = qianfan.Embedding().do(texts=TEXTS)
vectors = [item["embedding"] for item in resp["data"]]  # or resp.vectors, an array where numpy is installed

print(f"{len(vectors)} 个向量，{len(vectors[0])} 维，{resp.usage.total_tokens} tokens")
for text, vector in zip(TEXTS, vectors, strict=True):
    print(f"{cosine(vectors[0], vector):.2f}  {TEXTS[0]} | {text}")
