"""Nothing exists in only one of the two worlds: `x` is sync, `ax` is its async twin."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import qianfan
from qianfan import classic
from qianfan.bulk.results import AsyncResults, Results
from qianfan.client import Qianfan
from qianfan.drivers.aio import AsyncStream
from qianfan.drivers.sync import Stream
from qianfan.resources.base import Resource
from qianfan.resources.chat import Chat
from qianfan.resources.chat_completions import ChatCompletions
from qianfan.resources.completion import Completions
from qianfan.resources.embedding import Embeddings
from qianfan.resources.images import ImageReading, Images
from qianfan.resources.models import Models
from qianfan.resources.plugin import Plugins
from qianfan.resources.rerank import Rerank
from qianfan.resources.tokens import Tokens

#: Each resource by its name on a client, beside the classic class that has a client of its own.
RESOURCES = {
    "chat": (Chat, classic.ChatCompletion),
    "completions": (Completions, classic.Completion),
    "embeddings": (Embeddings, classic.Embedding),
    "plugin": (Plugins, classic.Plugin),
    "rerank": (Rerank, classic.Reranker),
    "images": (Images, classic.Text2Image),
    "image2text": (ImageReading, classic.Image2Text),
    "tokenizer": (Tokens, classic.Tokenizer),
}

#: Each class beside the one that holds the async twins of its methods.
CLASSES: list[tuple[type, type]] = [
    *((cls, cls) for pair in RESOURCES.values() for cls in pair),
    (Qianfan, Qianfan),
    (Stream, AsyncStream),
    (Results, AsyncResults),
    (ChatCompletions, ChatCompletions),
    (Models, Models),
]

#: What waits for nothing needs no twin under another name.
NO_WAITING = {"begin", "budget", "models", "so_far", "stop", "with_options"}

#: What async methods give where that has a sync twin of another name; `abatch_do` waits for what `Batch` waits for.
TWINS = {"AsyncResults": "Results", "list[Response | QianfanError": "Batch"}

#: Python's own protocols, beside their async spelling.
PROTOCOLS = [
    ("__enter__", "__aenter__"),
    ("__exit__", "__aexit__"),
    ("__iter__", "__aiter__"),
    ("__next__", "__anext__"),
]


def methods(cls: type, *, waiting_async: bool) -> set[str]:
    """Return the names of a class's public methods of one world."""
    return {
        name
        for name, value in inspect.getmembers(cls, callable)
        if not name.startswith("_")
        and name not in NO_WAITING
        and not isinstance(inspect.getattr_static(cls, name), classmethod)
        and is_async(value) is waiting_async
    }


def is_async(function: Any) -> bool:
    """Say whether what a function gives is to be awaited."""
    gives = str(inspect.signature(function).return_annotation)
    return inspect.iscoroutinefunction(function) or gives.startswith(("Awaitable[", "AsyncResults"))


def signature(cls: type, name: str) -> tuple[list[Any], str]:
    """Return what a method takes, and what it returns in the words of the sync world."""
    found = inspect.signature(getattr(cls, name))
    gives = str(found.return_annotation).removeprefix("Awaitable[").removesuffix("]")
    takes = [
        parameter.replace(annotation=str(parameter.annotation).removesuffix(" | AsyncIterable[Any]"))
        for parameter in found.parameters.values()
    ]
    return takes, TWINS.get(gives, gives.replace("AsyncStream", "Stream"))


@pytest.mark.parametrize(("cls", "twins"), CLASSES, ids=lambda cls: cls.__name__)
def test_every_method_has_its_twin(cls: type, twins: type) -> None:
    """A sync method `x` has an async `ax`, and no async method stands alone."""
    assert {f"a{name}" for name in methods(cls, waiting_async=False)} == methods(twins, waiting_async=True)


PAIRS = [
    (cls, twins, name)
    for cls, twins in CLASSES
    for name in sorted(methods(cls, waiting_async=False))
    if hasattr(twins, f"a{name}")
]


@pytest.mark.parametrize(
    ("cls", "twins", "name"), PAIRS, ids=[f"{cls.__name__}.{name}" for cls, _, name in PAIRS]
)
def test_twins_are_alike(cls: type, twins: type, name: str) -> None:
    """Twins take the same, by the same names and defaults, return the same, and say what they do."""
    assert signature(cls, name) == signature(twins, f"a{name}")
    assert inspect.getdoc(getattr(cls, name))
    assert inspect.getdoc(getattr(twins, f"a{name}"))


@pytest.mark.parametrize(("cls", "twins"), CLASSES, ids=lambda cls: cls.__name__)
def test_protocols(cls: type, twins: type) -> None:
    """What can be entered, left or iterated here can be so there."""
    assert [name for name, twin in PROTOCOLS if hasattr(cls, name) is not hasattr(twins, twin)] == []


def test_every_resource_is_known_here() -> None:
    """The table above misses no resource of the client, and no class that has a client of its own."""
    with Qianfan(access_token="24.x") as client:
        found = {name: type(getattr(client, name)) for name in RESOURCES}
        on_the_client = {name for name in dir(client) if isinstance(getattr(client, name), Resource)}
    classes = {
        value
        for name, value in vars(classic).items()
        if isinstance(value, type) and value.__module__ == classic.__name__ and not name.startswith("_")
    }

    assert found == {name: resource for name, (resource, _) in RESOURCES.items()}
    assert on_the_client == set(RESOURCES)
    assert classes == {cls for _, cls in RESOURCES.values()}


@pytest.mark.parametrize(("resource", "cls"), RESOURCES.values(), ids=RESOURCES)
def test_classic_classes_are_resources(resource: type, cls: type) -> None:
    """A classic class is its resource with a client: it takes and returns the same."""
    assert issubclass(cls, resource)
    for name in methods(resource, waiting_async=False) | methods(resource, waiting_async=True):
        assert signature(cls, name) == signature(resource, name)


@pytest.mark.parametrize("cls", [cls for _, cls in RESOURCES.values()], ids=lambda cls: cls.__name__)
def test_model_and_endpoint_stand_where_they_always_stood(cls: type) -> None:
    """Where a call takes a model and an endpoint, they come in this order, before `stream`, None by default."""
    if not hasattr(cls, "do"):
        return
    names = list(inspect.signature(cls.do).parameters)
    places = [names.index(name) for name in ("model", "endpoint", "stream") if name in names]

    assert places == list(range(places[0], places[0] + len(places)))
    assert {inspect.signature(cls.do).parameters[name].default for name in ("model", "endpoint")} == {None}


def test_streams_share_the_rest() -> None:
    """What a stream tells without waiting is the same in both worlds."""
    assert signature(Stream, "so_far") == signature(AsyncStream, "so_far")


def test_public_names() -> None:
    """Every name that `import *` gives is there, and listed by `dir`."""
    assert {name for name in qianfan.__all__ if getattr(qianfan, name) is None} == set()
    assert set(qianfan.__all__) <= set(dir(qianfan))


def test_no_other_name() -> None:
    """A name that the package does not have is an `AttributeError` that says so."""
    with pytest.raises(AttributeError, match="module 'qianfan' has no attribute 'ChatCompletio'"):
        qianfan.ChatCompletio  # noqa: B018  # the access is what is tested
