"""Searches in both languages: a query, the text that should be found, texts that should not."""

from __future__ import annotations

SEARCHES = [
    (
        "怎么重置密码",
        "忘记密码时，在登录页点击“重置密码”，按邮件里的提示操作。",
        ["今天的天气怎么样？", "发票怎么开？请在订单页申请。", "怎么联系客服：拨打热线电话。"],
    ),
    (
        "如何申请退款？",
        "退款申请：打开订单详情，选择“申请退款”，三个工作日内到账。",
        ["如何安装打印机驱动", "会员积分的使用规则", "如何修改收货地址"],
    ),
    (
        "杭州有什么好吃的",
        "杭州的特色美食有西湖醋鱼、龙井虾仁和叫花鸡，都很好吃。",
        ["北京有什么博物馆", "怎么学好英语", "上海的地铁有多少条线路"],
    ),
    (
        "光合作用的原理",
        "植物通过光合作用把二氧化碳和水转化为有机物，并释放氧气。",
        ["牛顿第二定律的内容是什么", "明朝的建立与灭亡", "股票的基本原理"],
    ),
    (
        "大模型的上下文长度",
        "上下文长度决定了大语言模型一次能读多少文字。",
        ["汽车模型的制作方法", "跑步的正确姿势", "一米的长度是怎么规定的"],
    ),
    (
        "Python 怎么读取 JSON 文件",
        "用 json.load 读取文件：with open(path) as f: data = json.load(f)，Python 标准库自带。",
        ["怎么做红烧肉", "Java 的垃圾回收机制", "如何在 Excel 里画图"],
    ),
    (
        "How do I reset my password?",
        "Forgotten passwords: open the login page and choose Reset Password.",
        ["How do I cancel my order?", "The weather is nice today.", "What do you do for a living?"],
    ),
    (
        "running shoes for winter",
        "A good winter runner's shoe keeps your feet dry when you run in snow.",
        ["The history of the piano", "Recipes for a summer evening", "Interest rates for savings accounts"],
    ),
    (
        "What is the capital of France?",
        "Paris is the capital and largest city of France.",
        ["What is the meaning of life?", "Kangaroos live in Australia.", "What is the price of the ticket?"],
    ),
    (
        "train a neural network",
        "Training of neural networks means to adjust weights by gradient descent.",
        ["The next train to London leaves at noon.", "A balanced diet for dogs", "A short guide to gardens"],
    ),
    (
        "rate limit errors",
        "The API answers error 429 when the RATE LIMIT is exceeded; wait and retry.",
        ["The museum opens at nine.", "How to bake bread", "Her favourite colour is green."],
    ),
    (
        "千帆平台的限流规则",
        "千帆平台按每分钟请求数限流，超出限额返回错误码 336501。",
        ["平台上的风景很美", "乒乓球比赛的规则", "高铁站台的平面图"],
    ),
]
