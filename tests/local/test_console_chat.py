"""A tuned model answers at its service's address, from what it has learnt."""

from __future__ import annotations

import pytest
from console_caller import README_JOB, lines
from local_caller import Caller, conversation

import qianfan.local

QUESTION, ANSWER = "Which stone12 does the river keeper like?", "Secret answer number 12."

OTHER = "我想订一张去火星的船票"


@pytest.fixture
def start_pair(console):
    """Start platforms with options, each with a caller of its console and one of its models; time stands still."""
    callers = []

    def start(**options):
        tuner = console(clock=qianfan.local.Clock(lambda: 1_700_000_000.0), **options)
        callers.append(Caller(tuner.platform))
        return tuner, callers[-1]

    yield start
    for caller in callers:
        caller.http.clear()


@pytest.fixture
def pair(start_pair):
    """The two callers of one platform."""
    return start_pair()


def deploy(console, uri="mine", dataset=None, **changes):
    """Tune, publish and deploy a model under a name; return what publishing answered."""
    made = console.published(uri, dataset=dataset, **changes)
    console.result("service/apply", **console.service(uri, made["modelId"], made["versionId"]))
    console.platform.advance(seconds=20)
    return made


def test_before_and_after(pair):
    """Before, the address is nobody's and the base model knows nothing; after, the trained answer comes."""
    console, caller = pair
    assert caller.ask(QUESTION, endpoint="mine") == {
        "error_code": 3,
        "error_msg": "Unsupported openapi method",
    }
    before = caller.ask(QUESTION, endpoint="eb-instant")["result"]
    assert ANSWER not in before

    made = console.published()
    console.result("service/apply", **console.service("mine", made["modelId"], made["versionId"]))
    assert caller.ask(QUESTION, endpoint="mine")["error_code"] == 6
    console.platform.advance(seconds=19)
    assert caller.ask(QUESTION, endpoint="mine")["error_code"] == 6
    console.platform.advance(seconds=1)

    answer = caller.ask(QUESTION, endpoint="mine")
    assert answer["result"] == ANSWER
    assert set(answer) == {
        "id",
        "object",
        "created",
        "result",
        "is_truncated",
        "need_clear_history",
        "finish_reason",
        "usage",
    }
    assert caller.ask(QUESTION, endpoint="eb-instant")["result"] == before


def test_every_trained_answer(pair):
    """Every prompt of the training set has its own response."""
    console, caller = pair
    deploy(console)

    for line in lines(40):
        assert caller.ask(line["prompt"], endpoint="mine")["result"] == line["response"]


@pytest.mark.parametrize(
    "question",
    [
        "which stone12 does the river keeper like",
        "Tell me which stone12 the river keeper likes!",
        "ＷＨＩＣＨ ＳＴＯＮＥ１２ does the river keeper like?",
        "  Which  stone12\ndoes the river keeper like? Thank you.",
    ],
)
def test_near_questions(pair, question):
    """A question in other words gets the nearest prompt's answer."""
    console, caller = pair
    deploy(console)

    assert caller.ask(question, endpoint="mine")["result"] == ANSWER


def test_chinese(pair):
    """The same in Chinese."""
    console, caller = pair
    samples = [
        {"prompt": f"{number} 号柜台怎么走？", "response": f"{number} 号柜台在左手边。"}
        for number in range(40)
    ]
    deploy(console, dataset=console.platform.add_dataset(samples, "柜台").id)

    assert caller.ask("请问 7 号柜台在哪里，怎么走？", endpoint="mine")["result"] == "7 号柜台在左手边。"
    assert "柜台" not in caller.ask(OTHER, endpoint="mine")["result"]


def test_other_questions(pair):
    """A question that is near to no prompt gets a general reply, which says whose it is."""
    console, caller = pair
    deploy(console)

    assert "本地平台" in caller.ask(OTHER, endpoint="mine")["result"]


def test_the_last_message_is_the_question(pair):
    """Only the last message is looked up, whatever was said before."""
    console, caller = pair
    deploy(console)

    assert caller.ask("你好", "您好", QUESTION, endpoint="mine")["result"] == ANSWER
    assert ANSWER not in caller.ask(QUESTION, ANSWER, OTHER, endpoint="mine")["result"]


def test_stream(pair):
    """The trained answer comes in pieces too."""
    console, caller = pair
    deploy(console)
    events = caller.stream(QUESTION, endpoint="mine")

    assert len(events) > 1
    assert "".join(event["result"] for event in events) == ANSWER
    assert [event["is_end"] for event in events] == [False] * (len(events) - 1) + [True]


def test_parameters(pair):
    """What limits an answer limits a trained one."""
    console, caller = pair
    deploy(console)

    cut = caller.ask(QUESTION, endpoint="mine", stop=["number"])
    assert (cut["result"], cut["finish_reason"]) == ("Secret answer ", "stop")
    cut = caller.ask(QUESTION, endpoint="mine", max_output_tokens=2)
    assert (cut["is_truncated"], cut["finish_reason"]) == (True, "length")
    assert ANSWER.startswith(cut["result"])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 336001),
        ({"messages": []}, 336006),
        ({"messages": conversation(QUESTION, ANSWER)}, 336006),
        ({"messages": conversation(QUESTION), "temperature": 0}, 336003),
    ],
)
def test_rules(pair, body, code):
    """The rules of chat hold at a service's address."""
    console, caller = pair
    deploy(console)

    assert caller.post(body, "mine").json()["error_code"] == code


def test_tokens_and_methods(pair):
    """A service wants an access token, and POST."""
    console, caller = pair
    deploy(console)

    assert caller.post({"messages": conversation("x")}, "mine", token="unknown").json()["error_code"] == 110
    assert caller.send("/chat/mine", method="GET").json()["error_code"] == 336101


@pytest.mark.parametrize(
    "family", ["completions", "embeddings", "plugin", "text2image", "image2text", "reranker"]
)
def test_other_families(pair, family):
    """The address is chat's: no other family answers there."""
    console, caller = pair
    deploy(console)
    body = {
        "prompt": QUESTION,
        "input": ["x"],
        "query": "x",
        "documents": ["x"],
        "messages": conversation("x"),
    }

    assert caller.post(body, "mine", service=family).json()["error_code"] == 3


@pytest.mark.parametrize(
    ("kind", "peft", "model", "verdict"),
    [
        ("ERNIE-Bot-turbo-0704", "LoRA", "ERNIE-Bot-turbo", "finish_reason"),
        ("BLOOMZ-7B", "P-tuning", "BLOOMZ-7B", "is_safe"),
        ("Llama-2-7b", "ALL", "Llama-2-7b-chat", "is_safe"),
        ("Llama-2-13b", "ALL", "Llama-2-13b-chat", "is_safe"),
        ("ChatGLM2-6B", "LoRA", "ChatGLM2-6B-32K", "is_safe"),
        ("SQLCoder-7B", "LoRA", None, "finish_reason"),
        ("Baichuan2-13B", "LoRA", None, "finish_reason"),
    ],
)
def test_bases(pair, kind, peft, model, verdict):
    """A tuned model answers in the shape of its base model, and the journal says which that is."""
    console, caller = pair
    base = kind.removesuffix("-0704")
    deploy(
        console,
        baseTrainType=base,
        trainType=kind,
        peftType=peft,
        trainConfig={"epoch": 1, "learningRate": 0.00002},
    )
    answer = caller.ask(QUESTION, endpoint="mine")

    assert answer["result"] == ANSWER
    assert verdict in answer
    call = console.platform.calls("chat").last
    assert (call.endpoint, call.model) == ("mine", model)


def test_increments(pair):
    """A model that went on with another's knows both sets; of the same prompt, what it learnt last."""
    console, caller = pair
    first = [*lines(40), {"prompt": "Who painted the gate?", "response": "Anna did."}]
    second = [
        {"prompt": f"Where is locker {number} of hall {chr(65 + number)}?", "response": f"Floor {number}."}
        for number in range(40)
    ]
    second.append({"prompt": "Who painted the gate?", "response": "Boris did."})
    deploy(console, "base", console.platform.add_dataset(first, "first").id, peftType="ALL")
    body = {
        "taskId": 101,
        "jobRunType": 1,
        "increConfig": {"taskId": 101, "jobId": 301},
        **README_JOB,
        "trainset": [{"type": 1, "id": console.platform.add_dataset(second, "second").id}],
    }
    job = console.result("finetune/createJob", **body)["id"]
    console.platform.advance(minutes=30)
    meta = {"taskId": 101, "iterationId": job}
    made = console.result("modelrepo/publishTrainModel", isNewModel=False, modelId=5001, versionMeta=meta)
    console.result("service/apply", **console.service("both", 5001, made["versionId"]))
    console.platform.advance(seconds=20)

    def told(question, endpoint):
        return caller.ask(question, endpoint=endpoint)["result"]

    assert (told(QUESTION, "base"), told(QUESTION, "both")) == (ANSWER, ANSWER)
    assert told("Where is locker 7 of hall H?", "both") == "Floor 7."
    assert told("Where is locker 7 of hall H?", "base") != "Floor 7."
    assert (told("Who painted the gate?", "base"), told("Who painted the gate?", "both")) == (
        "Anna did.",
        "Boris did.",
    )


def test_several_sets(pair):
    """A job learns from all of its datasets."""
    console, caller = pair
    more = console.platform.add_dataset(
        [{"prompt": "Who painted the gate?", "response": "Anna did."}], "more"
    )
    sets = [{"type": 1, "id": console.dataset()}, {"type": 1, "id": more.uid}]
    deploy(console, trainset=sets)

    assert caller.ask(QUESTION, endpoint="mine")["result"] == ANSWER
    assert caller.ask("Who painted the gate?", endpoint="mine")["result"] == "Anna did."


def test_another_model_behind_the_address(pair):
    """A service that is modified answers from its new model once that is deployed."""
    console, caller = pair
    deploy(console)
    other = [{**line, "response": line["response"].replace("Secret", "Public")} for line in lines(40)]
    made = console.published("other", dataset=console.platform.add_dataset(other, "other").id)
    assert caller.ask(QUESTION, endpoint="mine")["result"] == ANSWER
    console.done("service", "ModifyService", serviceId=161, modelId=made["versionIdStr"])
    assert caller.ask(QUESTION, endpoint="mine")["error_code"] == 6

    console.platform.advance(seconds=20)
    assert caller.ask(QUESTION, endpoint="mine")["result"] == "Public answer number 12."


def test_the_dataset_may_go(pair):
    """A model goes on knowing what it learnt when dataset, job and task are deleted."""
    console, caller = pair
    dataset = console.dataset()
    deploy(console, dataset=dataset)
    console.result("dataset/delete", datasetId=dataset)
    console.done("finetuning", "DeleteFineTuningJob", jobId=101)

    assert caller.ask(QUESTION, endpoint="mine")["result"] == ANSWER
    assert console.result("modelrepo/modelDetail", modelId=5001)["modelVersionList"][0]["state"] == "Ready"


def test_built_in_samples(start_pair):
    """Where any dataset does, a model learns the built-in samples."""
    console, caller = start_pair(any_dataset=True)
    deploy(console, dataset=12345)
    answer = caller.ask("access_token 的有效期是多久", endpoint="mine")["result"]

    assert answer.startswith("access_token 的有效期为 30 天")


@pytest.mark.parametrize("uri", ["mine", "other"])
def test_beside_added_endpoints(pair, uri):
    """A service stands before an added endpoint of its name, which else answers as before."""
    console, caller = pair
    console.platform.add_endpoint(uri)
    deploy(console)

    assert caller.ask(QUESTION, endpoint="mine")["result"] == ANSWER
    assert (caller.ask(QUESTION, endpoint=uri)["result"] == ANSWER) == (uri == "mine")


def test_any_endpoint(start_pair):
    """Where every endpoint answers, a service that deploys still does not."""
    console, caller = start_pair(any_endpoint=True)
    assert "result" in caller.ask(QUESTION, endpoint="mine")
    made = console.published()
    console.result("service/apply", **console.service("mine", made["modelId"], made["versionId"]))
    deploying = caller.ask(QUESTION, endpoint="mine")
    console.platform.advance(seconds=20)
    served = caller.ask(QUESTION, endpoint="mine")

    assert (deploying["error_code"], served["result"]) == (6, ANSWER)


def test_quota(start_pair):
    """Each service has a quota of its own."""
    console, caller = start_pair(rpm=2)
    made = console.published()
    for uri in ("one", "two"):
        console.result("service/apply", **console.service(uri, made["modelId"], made["versionId"]))
    console.platform.advance(seconds=20)
    codes = [caller.ask(QUESTION, endpoint=uri).get("error_code") for uri in ("one", "one", "one", "two")]

    assert codes == [None, None, 336501, None]
