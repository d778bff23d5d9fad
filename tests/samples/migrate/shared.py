"""What wrapped.py imports."""

import qianfan

FALLBACK = "XuanYuan-70B-Chat-4bit"
CHOICES = {"large": "ERNIE-Bot-turbo"}

assistant = qianfan.ChatCompletion(base_url="http://10.0.0.8:8080", ak="a", sk="b")
