"""One rate limiter for two objects and several threads: the requests leave evenly spaced.

python examples/rate_limit.py
"""

from concurrent.futures import ThreadPoolExecutor

import qianfan

limiter = qianfan.RateLimiter(query_per_second=10, token_per_minute=10_000)

with qianfan.local.platform(rpm=100) as platform:
    chat = platform.client(rate_limiter=limiter).chat
    embeddings = platform.client(rate_limiter=limiter).embeddings

    def ask(number: int) -> None:
        """Make two calls, as each of the threads does."""
        chat.do(messages=[{"role": "user", "content": f"第 {number} 个问题"}])
        embeddings.do(texts=[f"第 {number} 段文字"])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ask, range(4)))

    calls = [call for call in platform.calls() if call.route != "token"]
    for call in calls:
        print(f"{call.time - calls[0].time:5.2f} s  {call.route}")

    resp = chat.do(messages=[{"role": "user", "content": "你好"}])
    print(f"平台说：每分钟 {resp.rate_limit.limit_requests} 次，还剩 {resp.rate_limit.remaining_requests} 次")
