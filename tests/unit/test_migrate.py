"""What `qianfan migrate` finds: tables of programs, and whether what it says of them is so."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

import qianfan
from qianfan import catalog, settings
from qianfan.core import v2
from qianfan.core.call import Call
from qianfan.errors import InvalidArgumentError
from qianfan.migrate import models, official, scan, surface
from qianfan.migrate.rules import RULES, Severity
from qianfan.migrate.sources import Source, find
from qianfan.resources.base import CallOptions
from qianfan.resources.chat import ChatParameters
from qianfan.resources.images import ImageParameters

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests/samples/migrate"


def found(report):
    """Return the findings of a report as text: `line:column rule`, with the cell of a notebook before."""
    places = [
        (f"[{it.place.cell}] " if it.place.cell else "") + f"{it.place.line}:{it.place.column} {it.rule}"
        for it in report.findings
    ]
    assert len(places) == len(set(zip(places, report.findings, strict=True)))
    return places


@pytest.fixture
def read(tmp_path):
    """Write a program, or several by their names, and return what is found in them."""

    def write(code=None, **files):
        for name, text in {"program": code, **files}.items():
            if text is not None:
                (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        return scan([tmp_path])

    return write


def words(report, rule):
    """Return what a report says under a rule: what it is and what to do, of the only finding."""
    [finding] = [it for it in report.findings if it.rule == rule]
    return finding.what, finding.todo


# names

FOLLOWED = {
    "a literal": 'chat.do([], model="ChatLaw")',
    "lower case": 'chat.do([], model="chatlaw")',
    "by position": 'chat.do([], "ChatLaw")',
    "a constant": 'NAME = "ChatLaw"\nchat.do([], NAME)',
    "an f-string without parts": 'chat.do([], f"ChatLaw")',
    "a choice": 'chat.do([], model="ChatLaw" if input() else None)',
    "or": 'chat.do([], model=input() or "ChatLaw")',
    "a loop": 'for name in ("ChatLaw", "ernie-4.0-8k"):\n    chat.do([], name)',
    "a comprehension": '[chat.do([], name) for name in ["ChatLaw"]]',
    "a dict by key": 'NAMES = {"law": "ChatLaw"}\nchat.do([], NAMES["law"])',
    "a dict by a key that does not show": 'NAMES = {"law": "ChatLaw"}\nchat.do([], NAMES[input()])',
    "a tuple taken apart": 'a, b = "ChatLaw", 3\nchat.do([], a)',
    "the environment's default": 'import os\nchat.do([], os.getenv("MODEL", "ChatLaw"))',
    "a walrus": 'chat.do([], name := "ChatLaw")',
    "a default": 'def ask(model="ChatLaw"):\n    chat.do([], model)',
    "a keyword-only default": 'def ask(*, model="ChatLaw"):\n    chat.do([], model=model)',
    "an argument": 'def ask(text, model):\n    chat.do([], model)\nask("x", "ChatLaw")',
    "an argument by name": 'def ask(text, model):\n    chat.do([], model)\nask("x", model="ChatLaw")',
    "a lambda": 'ask = lambda model="ChatLaw": chat.do([], model)',
    "a global": 'def setup():\n    global name\n    name = "ChatLaw"\nchat.do([], name)',
    "an enclosing function": 'def make():\n    name = "ChatLaw"\n    def ask():\n        chat.do([], name)',
    "what a function returns": 'def name():\n    return "ChatLaw"\nchat.do([], name())',
    "spread": 'chat.do([], **{"model": "ChatLaw"})',
    "spread, made by dict()": 'options = dict(model="ChatLaw")\nchat.do([], **options)',
    "spread, with more in it": 'base = {"model": "ChatLaw"}\nchat.do([], **{**base, "top_p": 1})',
    "spread, put in later": 'options = {}\noptions["model"] = "ChatLaw"\nchat.do([], **options)',
    "a thread": 'import asyncio\nasyncio.to_thread(chat.do, [], "ChatLaw")',
    "partial": 'from functools import partial\npartial(chat.do, model="ChatLaw")',
    "the object's own": 'qianfan.ChatCompletion("ChatLaw")',
    "another alias": 'from qianfan import ChatCompletion as CC\nCC().do([], "ChatLaw")',
    "a module by a name": 'import qianfan as qf\nqf.ChatCompletion(model="ChatLaw")',
    "everything imported": 'from qianfan import *\nChatCompletion(model="ChatLaw")',
    "imported by a text": 'import importlib\nimportlib.import_module("qianfan").ChatCompletion("ChatLaw")',
    "an attribute by a text": 'getattr(qianfan, "ChatCompletion")(model="ChatLaw")',
    "the later paths": "from qianfan.resources.llm.chat_completion import ChatCompletion\n"
    'ChatCompletion(model="ChatLaw")',
    "a client": 'qianfan.Qianfan().chat.do([], model="ChatLaw")',
    "a client in a with": 'with qianfan.Qianfan() as client:\n    client.chat.do([], model="ChatLaw")',
    "a client with other options": 'qianfan.Qianfan().with_options(timeout=3).chat.do([], model="ChatLaw")',
    "openai's form": 'qianfan.Qianfan().chat.completions.create(messages=[], model="ChatLaw")',
    "await": 'async def ask():\n    await chat.ado([], model="ChatLaw")',
    "an annotation": 'def ask(it: qianfan.ChatCompletion):\n    it.do([], model="ChatLaw")',
    "an annotation in quotes": 'def ask(it: "qianfan.ChatCompletion | None"):\n    it.do([], model="ChatLaw")',
    "an attribute": "class Bot:\n    def __init__(self):\n        self.chat = qianfan.ChatCompletion()\n"
    '    def ask(self):\n        self.chat.do([], "ChatLaw")',
    "a class's constant": 'class Bot:\n    model = "ChatLaw"\n    def ask(self):\n        chat.do([], self.model)',
    "an argument of a class": "class Bot:\n    def __init__(self, model):\n        self.model = model\n"
    '    def ask(self):\n        chat.do([], self.model)\nBot("ChatLaw")',
    "a property": "class Bot:\n    @property\n    def chat(self):\n        return qianfan.ChatCompletion()\n"
    'Bot().chat.do([], "ChatLaw")',
    "an inherited attribute": "class Base:\n    def __init__(self):\n"
    "        self.chat = qianfan.ChatCompletion()\nclass Bot(Base):\n    def ask(self):\n"
    '        self.chat.do([], "ChatLaw")',
    "a class of one's own": 'class Bot(qianfan.ChatCompletion):\n    pass\nBot().do([], "ChatLaw")',
    "an attribute of something else": 'app = input()\napp.chat = qianfan.ChatCompletion()\napp.chat.do([], "ChatLaw")',
    "an Enum": 'import enum\nclass Name(enum.Enum):\n    LAW = "ChatLaw"\nchat.do([], Name.LAW.value)',
    "a class of settings": 'class Settings:\n    model: str = "ChatLaw"\nchat.do([], Settings().model)',
    "a match": 'match input():\n    case "a":\n        chat.do([], "ChatLaw")',
}


@pytest.mark.parametrize("code", FOLLOWED.values(), ids=FOLLOWED)
def test_a_name_is_followed(read, code):
    """A model's name is followed from where it stands to the call it is used in, and found where it stands."""
    report = read(f"import qianfan\nchat = qianfan.ChatCompletion(model='ernie-4.0-8k')\n{code}\n")
    [law] = [it for it in report.findings if it.rule == "model-gone"]
    line = f"import qianfan\n\n{code}\n".split("\n")[law.place.line - 1]

    assert "没有跟到" not in law.what
    assert line[law.place.column - 1 :].lstrip("f").startswith(('"ChatLaw"', '"chatlaw"'))


def test_a_name_in_another_file(read):
    """What is imported from a file that is read too is followed into it, whichever way it is imported."""
    report = read(
        shared='import qianfan\nNAME = "ChatLaw"\nchat = qianfan.ChatCompletion()\n',
        plain="from shared import NAME, chat\nchat.do([], NAME)\n",
        dotted="import shared\nshared.chat.do([], 'Yi-34B-Chat')\n",
        relative="from .shared import chat as it\nit.do([], 'Gemma-7B-it')\n",
    )
    gone = [(Path(it.place.file).stem, it.place.line) for it in report.findings if it.rule == "model-gone"]

    assert gone == [("dotted", 2), ("relative", 2), ("shared", 2)]
    assert not any("没有跟到" in it.what for it in report.findings)


def test_a_file_that_is_named_like_the_package(read):
    """A file whose name begins like the package's is one of the program's own."""
    report = read(
        "from qianfan_tools import NAME\nimport qianfan\nqianfan.ChatCompletion(NAME)\n",
        qianfan_tools="NAME = 'ChatLaw'\n",
    )

    assert found(report) == ["1:8 model-gone"]


def test_a_name_in_a_package(tmp_path):
    """Files of a package find each other below the folder that holds it, and through its __init__."""
    package = tmp_path / "src" / "app"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from . import llm\nfrom .llm import chat\n")
    (package / "llm.py").write_text("import qianfan\nchat = qianfan.ChatCompletion()\n")
    (package / "main.py").write_text("import app\nfrom app.llm import chat\nchat.do([], 'ChatLaw')\n")
    (package / "more.py").write_text(
        "import app\napp.chat.do([], 'ChatLaw')\napp.llm.chat.do([], 'ChatLaw')\n"
    )
    report = scan([tmp_path])
    gone = [(Path(it.place.file).stem, it.place.line) for it in report.findings if it.rule == "model-gone"]

    assert gone == [("main", 3), ("more", 2), ("more", 3)]
    assert not any("没有跟到" in it.what for it in report.findings)


UNSEEN = {
    'chat.do([], model=f"ERNIE-{input()}")': "2:13 model-unseen",
    "chat.do([], input())": "2:13 model-unseen",
    "def ask(model):\n    chat.do([], model=model)": "3:17 model-unseen",
    "chat.do([], **input())": "2:1 arguments-unseen",
    "chat.do(*input())": "2:1 arguments-unseen",
    "name: str\nchat.do([], name)": "3:13 model-unseen",
    "options = {}\noptions.update(input())\nchat.do([], **options)": "4:1 arguments-unseen",
    "input().do([])": "2:1 object-unseen",
    "getattr(qianfan, input())": "2:1 name-unseen",
}


@pytest.mark.parametrize(("code", "expected"), UNSEEN.items(), ids=UNSEEN)
def test_what_does_not_show_is_said(read, code, expected):
    """A model, an argument or an object that only running the program would show is said to be unseen."""
    report = read(f"import qianfan; chat = qianfan.ChatCompletion(endpoint='x')\n{code}\n")

    assert expected in found(report)


def test_what_hangs_on_itself(read):
    """Names that hang on themselves end the search; what they may be else is found."""
    report = read(
        "import qianfan\nname = 'ChatLaw'\nname = name or name\nclass A(A):\n    pass\nA().x.do([])\n"
        "def f():\n    return f()\nf().do([])\nd = {}\nd['a'] = d['a']\nd['a'].do([])\nx = x\n"
        "qianfan.ChatCompletion().do([], name)\n"
    )

    assert "2:8 model-gone" in found(report)


def test_a_long_chain(read):
    """A chain of names longer than Python's stack ends as unseen, and breaks nothing."""
    chain = "\n".join(f"n{i + 1} = n{i}" for i in range(3000))
    report = read(f"import qianfan\nn0 = 'ChatLaw'\n{chain}\nqianfan.ChatCompletion().do([], n3000)\n")

    assert {"2:6 model-gone", "3003:33 model-unseen"} <= set(found(report))


# models

EVERY_MODEL = [
    (kind, model.name)
    for kind in models.KINDS
    for model in catalog.models(kind)
    if kind != "completion" or model.family == kind
]


@pytest.mark.parametrize(("kind", "name"), EVERY_MODEL)
def test_what_becomes_of_a_model(kind, name):
    """What is said of each name of the catalogue is what a call on v2 does with it."""
    rule, said = models.judged(kind, name)
    fields = {"input": []} if kind == "embedding" else {"messages": [], "prompt": ""}
    if kind == "image2text":
        assert rule == "model-gone"
        return
    sent = json.loads(v2.encode(Call(kind, name, None, fields), "https://x/v2").body)["model"]

    assert sent == said.get("id", name)
    assert (catalog.find_v2(kind, sent) is None) == (rule == "model-gone")


@pytest.mark.parametrize("kind", ["chat", "completion", "embedding", "reranker"])
def test_what_becomes_of_an_endpoint(kind):
    """What is said of each preset endpoint is what a call on v2 names."""
    for model in catalog.models(kind):
        rule, said = models.judged_endpoint(kind, model.endpoint)
        fields = {"input": []} if kind == "embedding" else {"messages": [], "prompt": ""}
        sent = json.loads(v2.encode(Call(kind, None, model.endpoint, fields), "https://x/v2").body)["model"]

        assert sent == (said["id"] if rule == "endpoint-preset" else model.endpoint)


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("chat", "ERNIE-Bot", "model-renamed"),
        ("chat", "ERNIE-Bot-4", "model-renamed"),
        ("chat", "ERNIE-Bot-turbo", "model-replaced"),
        ("chat", "ernie-lite-8k-0922", "model-replaced"),
        ("chat", "ERNIE-Speed", "model-renamed"),
        ("chat", "ERNIE-Character-8K", "model-renamed"),
        ("chat", "ernie-3.5-8k", "model-v2"),
        ("chat", "ernie-4.5-turbo-128k", "model-v2"),
        ("chat", "BLOOMZ-7B", "model-gone"),
        ("chat", "ERNIE-3.5-8K-1222", "model-gone"),
        ("chat", "my-own", "model-unknown"),
        ("embedding", "Embedding-V1", "model-renamed"),
        ("embedding", "embedding-v1", "model-v2"),
        ("reranker", "bce-reranker-base_v1", "model-renamed"),
        ("text2image", "Stable-Diffusion-XL", "model-gone"),
        ("completion", "SQLCoder-7B", "model-gone"),
    ],
)
def test_a_model_is_judged(kind, name, expected):
    """A rename is told from a replacement, and both from a model without a successor."""
    assert models.judged(kind, name)[0] == expected


def test_near_names_are_no_replacement(read):
    """Names that look alike are given as such, a day of retirement with them, and never as the successor."""
    what, todo = words(
        read('import qianfan\nqianfan.ChatCompletion(model="ERNIE-3.5-8K-1222")\n'), "model-gone"
    )

    assert "2024-05-30" in what
    assert "没有写明它在 v2 上的后继" in what
    assert "ernie-3.5-8k" in todo
    assert "不是替代品" in todo


def test_where_an_id_is_known_from(read):
    """An id that only other projects report is said to be one."""
    report = read('import qianfan\nqianfan.ChatCompletion(model="ernie-4.5-turbo-128k")\n')

    assert "平台的文档没有列出" in words(report, "model-v2")[0]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("qianfan.ChatCompletion().do([])", "2:1 model-default"),
        ("qianfan.ChatCompletion().do([], model=None)", "2:1 model-default"),
        ("qianfan.ChatCompletion(model='').do([])", "2:1 model-default"),
        ("qianfan.Completion().do('x')", "2:1 model-default"),
        ("qianfan.Text2Image().do('x')", "2:1 model-default"),
        ("qianfan.Qianfan().chat.do([])", "2:1 model-default"),
        ("qianfan.Embedding().do(['x'])", None),
        ("qianfan.Reranker().do('x', ['y'])", None),
        ("qianfan.ChatCompletion(model='ernie-4.0-8k').do([])", None),
        ("qianfan.ChatCompletion(endpoint='x').do([])", None),
    ],
)
def test_a_default_that_changes(read, code, expected):
    """A call that names no model is told where the default is another on v2, and only there."""
    defaults = [it for it in found(read(f"import qianfan\n{code}\n")) if "model-default" in it]

    assert defaults == ([expected] if expected else [])


def test_a_name_that_is_not_followed(read):
    """A name of v1 that was not followed to a call is found all the same, and said to be so."""
    report = read(
        "import qianfan\nCHOICES = {'a': {'model': 'ERNIE-Bot-turbo'}}\nif input() == 'ChatLaw':\n    pass\n"
    )

    assert found(report) == ["2:27 model-replaced", "3:15 model-gone"]
    assert all("没有跟到用它的调用" in it.what for it in report.findings)


def test_names_that_others_use_too(read):
    """In a file that has nothing to do with the platform, only names that are the platform's own count."""
    report = read("MODELS = ['ERNIE-Bot-turbo', 'Llama-2-7b-chat', 'ChatLaw']\n")

    assert found(report) == ["1:11 model-replaced"]


# what else is found

LINES = {
    # endpoints
    "chat.do([], endpoint='completions_pro')": ["2:22 endpoint-preset"],
    "chat.do([], endpoint='bloomz_7b1')": ["2:22 endpoint-gone"],
    "chat.do([], endpoint='mine')": ["2:22 endpoint-own"],
    "chat.do([], endpoint='mine', model='ChatLaw')": ["2:22 endpoint-own", "2:36 model-gone"],
    "qianfan.ChatCompletion(endpoint='x', use_custom_endpoint=True)": [
        "2:33 endpoint-own",
        "2:38 endpoint-verbatim",
    ],
    "qianfan.ChatCompletion(endpoint='x', use_custom_endpoint=False)": ["2:33 endpoint-own"],
    # services
    "qianfan.Plugin()": ["2:1 service-v1-only"],
    "qianfan.Image2Text()": ["2:1 service-v1-only"],
    "qianfan.Qianfan().plugin.do('x', endpoint='y')": ["2:1 service-v1-only"],
    "qianfan.Tokenizer().count_tokens('x', mode='remote')": ["2:1 service-v1-only"],
    "qianfan.Tokenizer().count_tokens('x')": [],
    # addresses
    "x = 'https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/eb-instant'": ["2:5 address-v1"],
    "x = f'{host}/wenxinworkshop/chat/{name}'": ["2:5 address-v1"],
    "x = 'https://aip.baidubce.com/oauth/2.0/token'": ["2:5 address-token"],
    "x = 'https://aip.baidubce.com'": ["2:5 address-host"],
    "x = 'https://aip.baidubce.com/rest/2.0/ocr/v1/general_basic'": [],
    "x = 'https://qianfan.baidubce.com/wenxinworkshop/finetune/createTask'": ["2:5 address-console"],
    "x = 'https://qianfan.baidubce.com/v2'": ["2:5 address-v2"],
    "x = 'https://cloud.baidu.com/doc/WENXINWORKSHOP/s/4lilb2lpf'": [],
    "'https://aip.baidubce.com in a docstring'": [],
    # credentials
    "qianfan.Embedding(ak='a', sk='s')": ["2:1 key-v1"],
    "qianfan.Qianfan(access_token='t')": ["2:1 key-v1"],
    "qianfan.Embedding(ak=None, sk='')": [],
    "qianfan.Embedding(access_key='a', secret_key='s')": [],
    "qianfan.Embedding(version=1)": ["2:19 version-1"],
    "qianfan.Embedding(version='2')": [],
    "qianfan.AK('a')": ["2:1 key-v1"],
    "qianfan.AK(None)": [],
    "qianfan.AccessKey('a')": [],
    "qianfan.get_config().AK = 'a'": ["2:1 key-v1"],
    "qianfan.get_config().SK = None": [],
    "qianfan.get_config().QPS_LIMIT = 3": [],
    "import os; os.environ['QIANFAN_AK'] = 'a'": ["2:23 key-environment"],
    "import os; os.getenv('QIANFAN_ACCESS_TOKEN')": ["2:22 key-environment"],
    "import os; os.environ['QIANFAN_API_KEY'] = 'a'": [],
    "import os; os.environ['QIANFAN_DISABLE_EB_SDK'] = '1'": ["2:23 environment-ignored"],
    "import os; os.environ.update(QIANFAN_SK='a')": ["2:30 key-environment"],
    "import os; os.environ['QIANFAN_OF_MY_OWN'] = '1'": [],
    "qianfan.Embedding(base_url='http://10.0.0.8', ak='a', sk='s', model='ChatLaw')": ["2:19 host-own"],
    "qianfan.Embedding(base_url='https://qianfan.baidubce.com/v2')": ["2:28 address-v2"],
    "chat.access_token()": ["2:1 token-read"],
    "qianfan.FineTune.create_task('x', ak='a', sk='s')": [],
    "qianfan.FineTune.create_task('x', train_type='ERNIE-Bot-turbo')": ["2:35 argument-sent"],
    "job = {'baseTrainType': 'ERNIE-Bot-turbo', 'trainType': 'BLOOMZ-7B'}": [],
    "chat.batch_do([])": [],
    # what is not here
    "qianfan.Function()": ["2:1 name-missing"],
    "qianfan.GLOBAL_CONFIG.AK": ["2:1 name-missing"],
    "from qianfan.dataset import Dataset": ["2:29 name-missing"],
    "import qianfan.trainer": ["2:8 name-missing"],
    "from qianfan.resources import Prompt": ["2:31 name-missing"],
    "qianfan.FineTune.V2.job_list()": ["2:1 name-missing"],
    "qianfan.Messages()._to_list()": ["2:1 name-missing"],
    "qianfan.get_config().DISABLE_EB_SDK": ["2:1 name-missing"],
    "qianfan.get_config().disable_eb_sdk = True": ["2:1 name-missing"],
    "chat.mine = 3; chat.mine": [],
    "qianfan.Embedding.get_model_info('tao-8k').max_texts": [],
    "def f(error: qianfan.errors.APIError): error.message": [],
    "qianfan.Embedding(host='x', config=None)": ["2:19 argument-refused", "2:29 argument-refused"],
    "chat.do([], 'ernie-4.0-8k', None, False, 3)": ["2:1 argument-refused", "2:13 model-v2"],
    "qianfan.Service.create(1, 2, 'name', 'uri', 3)": ["2:1 argument-refused"],
    "qianfan.Service.create(1, model_version_id=2, name='a', uri='b', replicas=1, pool_type=1)": [
        "2:1 argument-refused",
        "2:27 argument-sent",
    ],
    "qianfan.Tokenizer.count_tokens('x')": ["2:1 argument-refused"],
    "chat.do(input())": [],
    "qianfan.Qianfan().plugin.do('x', ['y'], endpoint='z')": [
        "2:1 service-v1-only",
        "2:34 argument-misplaced",
    ],
    "chat.do([], show_total_latency=True)": ["2:13 argument-sent"],
    "qianfan.FineTune.V2.create_job('x', 'y', 'z', parameter_scale='a')": ["2:47 argument-sent"],
    "chat.do([]).statistic": ["2:1 field-missing"],
    "chat.do([]).usage": [],
    "for event in chat.do([], stream=True): event.statistic": ["2:40 field-missing"],
    "from qianfan.config import GLOBAL_CONFIG": ["2:28 name-missing"],
    "from qianfan.resources.images.text2image import Text2Image": ["2:49 name-missing"],
    # parameters
    "chat.do([], functions=[])": ["2:13 parameter-translated"],
    "chat.do([], disable_search=True)": ["2:13 parameter-translated"],
    "chat.do([], disable_search=None)": [],
    "chat.do([], top_k=3)": ["2:13 parameter-v1-only"],
    "qianfan.Text2Image(endpoint='x').do('x', style='y')": ["2:29 endpoint-own", "2:42 parameter-v1-only"],
    "chat.do([], temperature=0)": ["2:13 parameter-judged"],
    "chat.do([], temperature=0.5)": [],
    "chat.do([], penalty_score=1.0)": ["2:13 parameter-judged"],
    # LangChain
    "from langchain_community.chat_models import QianfanChatEndpoint as Q; Q()": ["2:71 model-default"],
    "from langchain_community.llms import QianfanLLMEndpoint as Q; Q(model='ChatLaw')": ["2:71 model-gone"],
    "from langchain.embeddings import QianfanEmbeddingsEndpoint as Q; Q(qianfan_ak='a')": ["2:66 key-v1"],
    "from langchain_community.chat_models import ErnieBotChat as E; E()": ["2:64 client-v1"],
}


@pytest.mark.parametrize(("line", "expected"), LINES.items(), ids=LINES)
def test_a_line(read, line, expected):
    """A line has the findings it should, at their places, and no others."""
    report = read(f"import qianfan; chat = qianfan.ChatCompletion(endpoint='mine')\n{line}\n")

    assert [it for it in found(report) if it.startswith("2:")] == expected


HANDLERS = {
    "except requests.Timeout:": ["exception-transport"],
    "except (ValueError, aiohttp.ClientError):": ["exception-transport"],
    "except qianfan.errors.QianfanError: pass\nexcept qianfan.errors.ValidationError:": [
        "exception-shadowed"
    ],
    "except qianfan.errors.APIError: pass\nexcept qianfan.errors.AccessTokenExpiredError:": [
        "exception-shadowed"
    ],
    "except qianfan.errors.AccessTokenExpiredError: pass\nexcept qianfan.errors.APIError:": [],
    "except (qianfan.errors.QianfanError, qianfan.errors.APIError):": [],
    "except qianfan.errors.QianfanError as e:\n    e.error_code == 336003": ["error-code"],
    "except qianfan.errors.QianfanError as e:\n    e.error_code in (18, 336501)": ["error-code"],
    "except qianfan.errors.QianfanError as e:\n    e.error_code == 'invalid_model'": [],
    "except:": [],
}


@pytest.mark.parametrize(("handler", "expected"), HANDLERS.items(), ids=HANDLERS)
def test_a_handler(read, handler, expected):
    """Exceptions that the SDK no longer raises, or raises in another order, are found where it is called."""
    body = "import aiohttp, requests, qianfan\nchat = qianfan.ChatCompletion(endpoint='x')\n"
    report = read(f"{body}try: chat.do([])\n{handler}\n    pass\n")

    assert [it.rule for it in report.findings if it.place.line > 2] == expected


def test_a_handler_of_something_else(read):
    """What is caught around calls of other packages is their own business."""
    report = read("import requests, qianfan\ntry: requests.get('x')\nexcept requests.Timeout: pass\n")

    assert found(report) == []


def test_a_client_by_hand_is_told_what_to_send(read):
    """An address of a preset service is told v2's address and model."""
    what, todo = words(
        read("x = 'https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/completions_pro'"),
        "address-v1",
    )

    assert what == "v1 推理接口的地址"
    assert "https://qianfan.baidubce.com/v2/chat/completions" in todo
    assert "model='ernie-4.0-8k'" in todo


def test_what_to_set(read):
    """The report says what to set for what the program uses, and nothing for one that uses nothing."""
    chat = read("import qianfan\nqianfan.ChatCompletion()\n").settings
    tune = read("import qianfan\nqianfan.FineTune.get_job(1, 2)\n").settings

    assert [line.partition("（")[0] for line in chat] == [
        "QIANFAN_API_KEY=bce-v3/ALTAK-…，或 QIANFAN_ACCESS_KEY 与 QIANFAN_SECRET_KEY"
    ]
    assert [line.partition("（")[0] for line in tune] == ["QIANFAN_ACCESS_KEY 与 QIANFAN_SECRET_KEY"]
    assert read("x = 1\n").settings == []


def test_a_dotenv_file(tmp_path):
    """A .env file beside programs that use the SDK is mentioned, its content unread; others are not."""
    (tmp_path / ".env").write_text("QIANFAN_AK=Zx81mQp0vT4nR7bL2kYc9sWd\n")
    (tmp_path / "a.py").write_text("import qianfan\n")
    assert found(scan([tmp_path])) == []

    (tmp_path / "a.py").write_text("import qianfan\nqianfan.Embedding()\n")
    report = scan([tmp_path])
    assert found(report) == ["1:1 dotenv-file"]
    assert "Zx81" not in str(report)


# whether it is so


@pytest.mark.parametrize("path", official.PATHS)
def test_a_path_of_the_tables_is_not_here(path):
    """The table of official names holds none that is here: what came here since, its line must go."""
    assert surface.look(path).missing == path


def test_what_to_use_in_place_of_a_member_is_here():
    """What a member of a group of calls is to be replaced with is there."""
    groups = [qianfan.FineTune, qianfan.Model, qianfan.Service]
    groups += [group.V2 for group in groups]
    named = {it[1] for told in official.MEMBERS.values() if (it := re.match(r"改用 (\w+)\(", told))}

    assert len(named) > 10
    assert [name for name in named if not any(hasattr(group, name) for group in groups)] == []


def test_arguments_of_the_tables_are_not_here():
    """No argument or setting that a table says is not here is one that the package takes."""
    taken = {
        *ChatParameters.__annotations__,
        *CallOptions.__annotations__,
        *ImageParameters.__annotations__,
    }

    assert set(official.ARGUMENTS) & set(settings.ClientArguments.__annotations__) == set()
    assert set(official.SENT) & taken == set()
    assert set(official.ENVIRONMENT) & surface.SETTINGS == set()
    assert not any(hasattr(qianfan.Response(), name) for name in official.FIELDS)


@pytest.mark.parametrize(
    "code",
    [
        "qianfan.ChatCompletion(ak='a', sk='s', redis_rate_limiter=True)",
        "qianfan.ChatCompletion(ak='a', sk='s').do([], 'm', None, False, 3)",
        "qianfan.Tokenizer.count_tokens('x')",
        "qianfan.Service.create(1, 2, 'name', 'uri', 3)",
        "qianfan.Text2Image(ak='a', sk='s').do('x', None, None, 'base64')",
        "qianfan.FineTune.create_task('ab', 'ERNIE-Speed', 'ERNIE-Speed-8K', 'x')",
    ],
)
def test_a_refused_call_is_refused(read, code):
    """What is said to be a TypeError is one."""
    assert any("argument-refused" in it for it in found(read(f"import qianfan\n{code}\n")))
    with pytest.raises(TypeError):
        eval(code)  # noqa: S307  # the table above


@pytest.mark.parametrize(
    ("arguments", "environment", "version"),
    [
        ({"ak": "a", "sk": "s"}, {"API_KEY": "bce-v3/ALTAK-x/y"}, 1),
        ({"access_token": "t"}, {"API_KEY": "bce-v3/ALTAK-x/y"}, 1),
        ({}, {"API_KEY": "bce-v3/ALTAK-x/y", "AK": "a", "SK": "s"}, 2),
        ({}, {"ACCESS_KEY": "a", "SECRET_KEY": "s", "AK": "a", "SK": "s"}, 2),
    ],
)
def test_keys_in_code_go_first(arguments, environment, version):
    """Keys of v1 in the code keep a program on v1 whatever the environment says; in the environment they do not."""
    env = {f"QIANFAN_{name}": value for name, value in environment.items()}

    assert settings.resolve(arguments, env).version == version


@pytest.mark.parametrize("kind", ["plugin", "image2text", "tokenizer"])
def test_v2_has_no_such_service(kind):
    """What is said to be on v1 only, v2 has no address for."""
    with pytest.raises(InvalidArgumentError):
        v2.encode(Call(kind, None, "x", {"prompt": "x"}), "https://x/v2")


def test_fields_are_translated():
    """Fields that are said to be translated arrive in v2's words, those of v1 only as they are."""
    fields = {"messages": [], "functions": [{"name": "f"}], "disable_search": True, "top_k": 3}
    sent = json.loads(v2.encode(Call("chat", None, None, fields), "https://x/v2").body)

    assert sent["tools"] == [{"type": "function", "function": {"name": "f"}}]
    assert sent["web_search"] == {"enable": False}
    assert sent["top_k"] == 3
    assert not {"functions", "disable_search"} & set(sent)


def test_every_rule_is_in_the_guide():
    """The guide for moving says something about every rule, and names none that is not there."""
    guide = (ROOT / "docs/guides/moving.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", guide, re.MULTILINE)) == set(RULES)


# samples

EXPECTED = json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))


def test_the_samples():
    """The sample programs have the findings that `expected.json` lists, each looked over by hand."""
    report = scan([SAMPLES])
    by_file: dict[str, list[str]] = {}
    for place, finding in zip(found(report), report.findings, strict=True):
        by_file.setdefault(Path(finding.place.file).name, []).append(place)

    assert by_file == EXPECTED


def test_every_rule_has_been_seen():
    """The samples and the tables of this file leave no rule out."""
    seen = {it.rpartition(" ")[2] for places in EXPECTED.values() for it in places}
    seen |= {it.rpartition(" ")[2] for places in [*LINES.values()] for it in places}
    seen |= {it.rpartition(" ")[2] for it in UNSEEN.values()} | {
        it for rules in HANDLERS.values() for it in rules
    }

    assert set(RULES) - seen == {"dotenv-file"}


# files


def test_nothing_is_run_or_written(tmp_path):
    """No program is imported or run, and no file changed."""
    program = tmp_path / "program.py"
    program.write_text(f"import qianfan\nopen({str(tmp_path / 'ran')!r}, 'w')\nqianfan.AK('x')\n")
    before = {it: (it.read_bytes(), it.stat().st_mtime_ns) for it in tmp_path.iterdir()}
    modules = set(sys.modules)
    scan([tmp_path])

    assert {it: (it.read_bytes(), it.stat().st_mtime_ns) for it in tmp_path.iterdir()} == before
    assert "program" not in set(sys.modules) - modules
    assert qianfan.get_config().AK is None


def test_which_files_are_read(tmp_path):
    """Folders are read to their depth, but not hidden ones, environments, packages of others or caches."""
    for name in ("a.py", "b/c.py", "b/d.ipynb", "b/e.pyw"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("" if name.endswith(("y", "w")) else '{"cells": []}')
    (tmp_path / "env").mkdir()
    (tmp_path / "env/pyvenv.cfg").touch()
    for name in (
        ".venv/x.py",
        "env/x.py",
        "node_modules/x.py",
        "__pycache__/x.py",
        ".hidden.py",
        "x.txt",
        "b/.git/x.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "script").write_text("import qianfan\n")

    read = [
        it.relative_to(tmp_path).as_posix() for it in find([tmp_path, tmp_path / "b", tmp_path / "script"])
    ]

    assert read == [
        "a.py",
        "b/c.py",
        "b/d.ipynb",
        "b/e.pyw",
        "script",
    ]


UNREADABLE = {
    "Python 2": (b'print "x"\n', "1:1", "语法"),
    "an open bracket": (b"x = (\n", "1:5", "语法"),
    "a null byte": (b"x = 1\0", "1:1", ""),
    "no UTF-8": (b"x = '\xff'\n", "1:1", ""),
    "no such encoding": (b"# coding: martian\n", "1:1", "语法"),
}


@pytest.mark.parametrize(("data", "place", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read(tmp_path, data, place, reason):
    """A file that is no Python is reported with its place, and the others are read."""
    (tmp_path / "bad.py").write_bytes(data)
    (tmp_path / "good.py").write_text("import qianfan\nqianfan.Function\n")
    report = scan([tmp_path])

    assert found(report) == [f"{place} file-unread", "2:1 name-missing"]
    assert reason in report.findings[0].what


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="a user from whom a file can be kept")
def test_a_file_that_is_kept_from_the_reader(tmp_path):
    """A file that may not be read is reported."""
    (tmp_path / "secret.py").touch(mode=0)

    assert found(scan([tmp_path])) == ["1:1 file-unread"]


@pytest.mark.parametrize("deep", ["x = " + "-" * 50_000 + "1", "x = " + " + ".join(["1"] * 20_000)])
def test_a_program_too_deep_to_read(read, deep):
    """A program nested deeper than Python's stack is reported, and breaks nothing."""
    report = read(deep, other="import qianfan\nqianfan.Function\n")

    assert [it.rule for it in report.findings] == ["name-missing", "file-unread"]


def test_encodings_and_line_ends(tmp_path):
    """A declared encoding, a BOM and any line ends are understood; columns count characters."""
    code = "# 注释\r\nimport qianfan\r\n名 = '你好'; qianfan.Function\r\n"
    (tmp_path / "gbk.py").write_bytes(b"# coding: gbk\r\n" + code.encode("gbk"))
    (tmp_path / "bom.py").write_bytes(b"\xef\xbb\xbf" + code.encode().replace(b"\r\n", b"\r"))

    assert found(scan([tmp_path])) == ["3:11 name-missing", "4:11 name-missing"]


def notebook(*cells):
    """Return a notebook of code cells."""
    return json.dumps({"cells": [{"cell_type": "code", "source": it} for it in cells], "nbformat": 4})


def test_a_notebook(tmp_path):
    """Cells share their names; a finding has its cell, and its line in it; what only notebooks have is left out."""
    path = tmp_path / "a.ipynb"
    path.write_text(
        notebook(
            [
                "!pip install qianfan\n",
                "import qianfan\n",
                "x = !ls\n",
                "qianfan?\n",
                "chat = qianfan.ChatCompletion()",
            ],
            "%%bash\nexport x=(",
            "%%time\n\nif True:\n    %env QIANFAN_SK=x\n    chat.do([], 'ChatLaw')\nawait chat.ado([], 'ernie-4.0-8k')",
            "def broken(:",
        )
    )

    assert found(scan([path])) == [
        "[3] 4:1 key-environment",
        "[3] 5:17 model-gone",
        "[3] 6:20 model-v2",
        "[4] 1:12 file-unread",
    ]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"cells": 3}', '{"cells": [3]}', '{"cells": [{"cell_type": "code", "source": [3]}]}'],
)
def test_what_is_no_notebook(tmp_path, text):
    """A file that is named like a notebook and is none is reported."""
    (tmp_path / "a.ipynb").write_text(text)

    assert found(scan([tmp_path])) == ["1:1 file-unread"]


@pytest.mark.parametrize("there", [True, False])
def test_nothing_to_read(tmp_path, there):
    """A path that is not there, or holds no programs, is refused."""
    with pytest.raises(InvalidArgumentError):
        scan([tmp_path if there else tmp_path / "x.py"])


# secrets

SECRETS = [
    "Zx81mQp0vT4nR7bL2kYc9sWd",
    "bce-v3/ALTAK-abcdefghij/0123456789abcdef0123456789abcdef01234567",
    "24.0123456789abcdef0123456789abcdef.2592000.1700000000.282335-1234567",
    "ALTAKabcdefgh1234567890",
]

IN_SOURCE = {
    "an argument": "qianfan.ChatCompletion(ak={0})",
    "a constant": "KEY = {0}\nqianfan.ChatCompletion(sk=KEY)",
    "a setter": "qianfan.SecretKey({0})",
    "the settings": "qianfan.get_config().SECRET_KEY = {0}",
    "the environment": "import os\nos.environ['QIANFAN_SECRET_KEY'] = {0}",
    "a default of the environment": "import os\nos.environ.setdefault('QIANFAN_SK', {0})",
    "a dict": "x = {{'QIANFAN_AK': {0}}}",
    "a console call": "qianfan.FineTune.get_job(1, 2, ak={0})",
    "LangChain": "from langchain_community.llms import QianfanLLMEndpoint as Q\nQ(qianfan_sk={0})",
}


@pytest.mark.parametrize("secret", SECRETS, ids=["application", "api key", "token", "access key"])
@pytest.mark.parametrize("code", IN_SOURCE.values(), ids=IN_SOURCE)
def test_a_key_in_the_source(read, code, secret):
    """A key in the source is found, and is not in the report."""
    report = read(f"import qianfan\n{code.format(repr(secret))}\n")

    assert sum(it.rule == "key-in-source" for it in report.findings) == 1
    assert secret not in json.dumps(report.as_json())


@pytest.mark.parametrize("secret", SECRETS)
def test_a_key_in_the_wrong_place(read, secret):
    """A key that stands where a model, a service or an address should is masked."""
    report = read(
        f"import qianfan\nqianfan.ChatCompletion(model={secret!r})\nqianfan.ChatCompletion(endpoint={secret!r})\n"
        f"'x'.join('https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/{secret}')\n"
    )

    assert len(report.findings) >= 3
    if secret != SECRETS[0]:  # which could be a name
        assert secret not in json.dumps(report.as_json())


@pytest.mark.parametrize("secret", SECRETS[1:])
def test_a_key_within_a_text(read, secret):
    """A key is masked to its end, whatever stands before it."""
    report = read(f"import qianfan\nqianfan.ChatCompletion(model='my {secret}')\n")

    assert secret[12:24] not in json.dumps(report.as_json())
    assert secret[-12:] not in json.dumps(report.as_json())
    assert "***" in words(report, "model-unknown")[0]


@pytest.mark.parametrize("text", ["...", "your-api-key-goes-here-1", "你的 API Key", "", "short1"])
def test_what_is_no_key(read, text):
    """Examples of keys are no keys."""
    report = read(f"import qianfan\nqianfan.ChatCompletion(access_key={text!r}, secret_key={text!r})\n")

    assert found(report) == []


def test_the_words_of_the_rules():
    """Every rule says what it is and what to do, in words, with nothing left to be filled in."""
    for finding in scan([SAMPLES]).findings:
        if finding.rule == "file-unread":  # Python's own words
            continue
        assert not re.search(r"[{}]|\.\.\.|None|，$|；$", finding.what + finding.todo), finding


def test_severities():
    """Each severity has words for people, and a report counts them."""
    assert [it.words for it in Severity] == ["必须改", "会不同", "提示", "看不到"]
    assert sum(scan([SAMPLES]).count(it) for it in Severity) == len(scan([SAMPLES]).findings)


def test_a_place_of_a_source(tmp_path):
    """A place counts from 1, in characters."""
    path = tmp_path / "a.py"
    path.write_text("\nx = '你'; y\n", encoding="utf-8")
    source = Source(path)

    assert source.place(source.tree.body[1])[1:3] == (2, 10)
