"""Calls of this package, and of what stands on it or beside it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from qianfan.client import Qianfan
from qianfan.migrate import models, official, surface
from qianfan.migrate.arguments import Arguments
from qianfan.migrate.scopes import is_ours
from qianfan.migrate.values import Items, Literal, Local, Object, Thing
from qianfan.migrate.words import is_key

if TYPE_CHECKING:
    from qianfan.migrate.findings import Findings
    from qianfan.migrate.scopes import Scope
    from qianfan.migrate.surface import Found
    from qianfan.migrate.values import Value

#: LangChain's classes on this package, and the kind of model each asks.
_LANGCHAIN = {
    "QianfanChatEndpoint": "chat",
    "QianfanLLMEndpoint": "completion",
    "QianfanEmbeddingsEndpoint": "embedding",
}

#: Classes that ask v1 without any SDK, and what to use in their place.
_CLIENTS_OF_V1 = {
    "ErnieBotChat": "改用 langchain_community 的 QianfanChatEndpoint，或让 OpenAI 兼容的类指向 v2",
    "ErnieEmbeddings": "改用 langchain_community 的 QianfanEmbeddingsEndpoint",
}

#: What v2 has no services for, by kind: its name, and what to do.
_V1_ONLY = {
    "plugin": (
        "插件 Plugin",
        "插件应用已于 2024-07-31 移至 AppBuilder；自己的函数可用 ChatCompletion 的 do(functions=[…])",
    ),
    "image2text": ("图像理解 Image2Text", "改用能看图的对话模型：messages 的 content 里放 image_url"),
    "tokenizer": ("远程计数 mode='remote'", "用默认的本地估计，或读回复的 usage"),
}

#: Fields that v2 has other words for, which the SDK translates.
_TRANSLATED = {
    "functions": "tools",
    "disable_search": "web_search",
    "enable_citation": "web_search",
    "enable_trace": "web_search",
}

_NOTHING_LIKE_IT = "没有与它相当的参数"

_CHAT_FIELDS = {
    "enable_system_memory": _NOTHING_LIKE_IT,
    "system_memory_id": _NOTHING_LIKE_IT,
    "enable_user_memory": _NOTHING_LIKE_IT,
    "user_memory_extract_level": _NOTHING_LIKE_IT,
    "min_output_tokens": _NOTHING_LIKE_IT,
    "top_k": "可用 top_p",
}

#: Fields that the documentation of v2 does not name, by kind, and what there is in their place.
_V1_FIELDS = {
    "chat": _CHAT_FIELDS,
    "completion": _CHAT_FIELDS,
    "text2image": {
        "negative_prompt": _NOTHING_LIKE_IT,
        "sampler_index": _NOTHING_LIKE_IT,
        "cfg_scale": "v2 有 guidance",
        "style": _NOTHING_LIKE_IT,
    },
}

_ASKING = frozenset({"do", "ado", "create", "acreate", "count_tokens", "acount_tokens"})

#: What tells a call of this package from one that is only named alike.
_ARGUMENTS = frozenset({"messages", "prompt", "texts", "documents", "model", "endpoint", "stream"})

_SETTERS = frozenset({"AK", "SK", "AccessToken", "AccessKey", "SecretKey"})

_V1_KEYS = ("ak", "sk", "access_token")
_V2_KEYS = ("access_key", "secret_key", "api_key", "bearer_token")
_LANGCHAIN_KEYS = ("qianfan_ak", "qianfan_sk", "api_key", "secret_key")

_INSTEAD_OF_LANGCHAIN = (
    "环境变量 QIANFAN_API_KEY（LangChain 的 api_key= 是 qianfan_ak= 的别名，仍是应用的密钥）"
)
_INSTEAD = "api_key=，或 access_key= 与 secret_key=，或只设环境变量"


class Calls:
    """Checks the calls of a program, and gathers what it finds.

    Args:
        findings: Where to add it.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._program = findings.program

    def check(self, call: ast.AST, scope: Scope) -> None:
        """Check what a call calls, and what it hands on to be called, as `pool.submit(chat.do, …)` does."""
        if not isinstance(call, ast.Call):
            return
        called = self._program.values(call.func, scope)
        for value in called:
            if isinstance(value, Thing):
                self._called(value, call, scope, 0)
        for index, handed in enumerate(call.args, 1):
            for value in self._program.values(handed, scope) if isinstance(handed, ast.Attribute) else ():
                if isinstance(value, Thing) and value.path.endswith((".do", ".ado")):
                    self._called(value, call, scope, index)
        if not any(isinstance(it, (Local, Object)) or _is_of_ours(it) for it in called):
            self._unfollowed(call, scope)

    def _unfollowed(self, call: ast.Call, scope: Scope) -> None:
        """Report a call that may be one of this package's, of an object that was not followed."""
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in {"do", "ado"}:
            return
        is_likely = bool(call.args or call.keywords) and scope.module.uses_it
        if self._program.uses_it and (is_likely or _ARGUMENTS & {it.arg for it in call.keywords}):
            self._findings.at("object-unseen", call, scope, name=call.func.attr)

    def _called(self, thing: Thing, call: ast.Call, scope: Scope, skipped: int) -> None:
        """Check a call of something by its path; the first arguments may be others'."""
        if not is_ours(thing.path):
            self._foreign(thing.path, call, scope)
            return
        package, _, name = thing.path.rpartition(".")
        if name in _SETTERS and package in {"qianfan", "qianfan.config"}:
            self._setter(name, call, scope)
        found = surface.look(thing.path)
        if found.missing or found.field or found.owner is None:
            return
        if not found.member:
            found = found._replace(member="__init__")
        arguments = Arguments(self._program, call, scope, surface.positional(found), skipped)
        if not skipped:
            self._refused(thing.path, found, call, scope, arguments)
        if found.is_console:
            self._console(found, arguments)
        elif found.member == "__init__" and (found.kind or found.owner is Qianfan):
            self._made(found, call, scope, arguments)
        elif found.kind and found.member in _ASKING:
            self._asked(thing, found, call, scope, arguments)
        elif found.kind and found.member in {"access_token", "aaccess_token"}:
            self._findings.at("token-read", call, scope)

    def _console(self, found: Found, arguments: Arguments) -> None:
        """Check a call of the console."""
        self._findings.kinds.add("console")
        self._keys_in_source(arguments)
        self._sent(found, arguments)
        for name in arguments.given:  # what is trained may be named like what answers
            for value in arguments.values(name):
                if isinstance(value, Literal):
                    self._findings.follow(value.node)

    def _setter(self, name: str, call: ast.Call, scope: Scope) -> None:
        """Check a call such as `qianfan.AK("…")`; None takes a key back."""
        arguments = Arguments(self._program, call, scope, ["key"])
        if arguments.has("key") and name in {"AK", "SK", "AccessToken"}:
            instead = "qianfan.AccessKey() 与 qianfan.SecretKey()，或只设环境变量"
            self._findings.at("key-v1", call, scope, name=f"qianfan.{name}()", new=instead)
        self._keys_in_source(arguments, ("key",))

    def _keys_in_source(self, arguments: Arguments, names: tuple[str, ...] = (*_V1_KEYS, *_V2_KEYS)) -> None:
        for name in names:
            for value in arguments.values(name):
                if isinstance(value, Literal) and is_key(value.value):
                    self._findings.add("key-in-source", value.place)

    def _refused(self, path: str, found: Found, call: ast.Call, scope: Scope, arguments: Arguments) -> None:
        """Check whether the call's arguments are ones that it takes here, at the places it takes them."""
        name = path.replace("()", "")
        by_position = surface.positional(found)[: arguments.positional]
        by_name = [it for it in arguments.given if it not in by_position]
        refused = surface.unknown(found, by_name)
        for argument in refused:
            todo = official.ARGUMENTS.get(argument, official.OTHERWISE["argument"])
            error = f"unexpected argument {argument!r}"
            self._argument("argument-refused", arguments, argument, what=name, error=error, todo=todo)
        taken = [it for it in by_name if it not in refused]
        error = "" if arguments.hidden else surface.refusal(found, arguments.positional, taken)
        if error:
            todo = official.POSITIONAL if "positional" in error else official.SIGNATURE
            todo = official.INSTANCE if found.on_class and not found.is_console else todo
            self._findings.at("argument-refused", call, scope, what=name, error=error, todo=todo)
        for number, argument in enumerate(by_position, 1):
            is_list = any(isinstance(it, Items) for it in arguments.values(argument))
            if argument in {"model", "endpoint"} and is_list:
                self._argument("argument-misplaced", arguments, argument, what=name, number=number)

    def _sent(self, found: Found, arguments: Arguments) -> None:
        """Check for arguments that the official SDK keeps to itself, and this one sends as fields."""
        for name in arguments.given:
            todo = official.SENT.get(name)
            if todo is None and found.is_console and "_" in name and not surface.takes(found, name):
                todo = official.FIELD_NAMES
            if todo is not None:
                self._argument("argument-sent", arguments, name, todo=todo)

    def _argument(self, rule: str, arguments: Arguments, name: str, **words: object) -> None:
        """Add a finding at an argument."""
        argument = arguments.given[name]
        self._findings.at(rule, argument.node, argument.scope, name=name, **words)

    def _made(self, found: Found, call: ast.Call, scope: Scope, arguments: Arguments) -> None:
        """Check the making of a client or of an object with one."""
        self._keys_in_source(arguments)
        if found.kind:
            self._findings.kinds.add(found.kind)
        if self._has_own_host(arguments):
            self._argument("host-own", arguments, "base_url")
            self._names(found.kind, arguments, is_judged=False)
            return
        self._v1_keys(arguments, _V1_KEYS, _INSTEAD, call, scope)
        if any(_is_not(it, False) for it in arguments.values("use_custom_endpoint")):
            self._argument("endpoint-verbatim", arguments, "use_custom_endpoint")
        if any(isinstance(it, Literal) and str(it.value) == "1" for it in arguments.values("version")):
            self._argument("version-1", arguments, "version")
        if found.kind in {"plugin", "image2text"}:
            self._v1_only(found.kind, call, scope)
        elif found.kind:
            self._names(found.kind, arguments)
        self._hidden(found.owner.__name__ if found.owner else "", call, scope, arguments)

    def _asked(self, thing: Thing, found: Found, call: ast.Call, scope: Scope, arguments: Arguments) -> None:
        """Check the asking of a model."""
        made = Arguments(self._program, *thing.made, ["model", "endpoint"]) if thing.made else None
        of_client = "Qianfan()" in thing.path
        self._findings.kinds.add(found.kind)
        if made is not None and self._has_own_host(made):
            self._names(found.kind, arguments, is_judged=False)
            return
        if found.kind == "tokenizer":
            if any(isinstance(it, Literal) and it.value == "remote" for it in arguments.values("mode")):
                self._v1_only("tokenizer", call, scope)
            return
        if found.kind in {"plugin", "image2text"}:
            if of_client:
                self._v1_only(found.kind, call, scope)
            return
        self._hidden(f"{found.owner.__name__ if found.owner else ''}.{found.member}", call, scope, arguments)
        is_named = self._names(found.kind, arguments)
        in_object = made is None or (
            not of_client and (made.hidden or made.has("model") or made.has("endpoint"))
        )
        if not is_named and not arguments.hidden and not in_object:
            self._default(found.kind, call, scope)
        self._parameters(found.kind, arguments)
        self._sent(found, arguments)

    def _has_own_host(self, arguments: Arguments) -> bool:
        """Say whether an object is given a host which is not the platform's."""
        return arguments.has("base_url") and all(
            isinstance(it, Literal) and "baidubce.com" not in str(it.value)
            for it in arguments.values("base_url")
        )

    def _v1_keys(
        self, arguments: Arguments, names: tuple[str, ...], new: str, call: ast.Call, scope: Scope
    ) -> None:
        given = "、".join(f"{name}=" for name in names if arguments.has(name))
        if given:
            self._findings.at("key-v1", call, scope, name=given, new=new)

    def _v1_only(self, kind: str, call: ast.Call, scope: Scope) -> None:
        name, todo = _V1_ONLY[kind]
        self._findings.at("service-v1-only", call, scope, name=name, todo=todo)

    def _hidden(self, name: str, call: ast.Call, scope: Scope, arguments: Arguments) -> None:
        if arguments.hidden:
            self._findings.at("arguments-unseen", call, scope, name=name)

    def _names(self, kind: str, arguments: Arguments, *, is_judged: bool = True) -> bool:
        """Check the model and the endpoint that are named; say whether one is."""
        named = [name for name in ("endpoint", "model") if arguments.has(name)]
        for name in named[:1]:  # the endpoint decides
            argument = arguments.given[name]
            for value in arguments.values(name):
                if isinstance(value, Literal) and isinstance(value.value, str) and value.value:
                    self._findings.follow(value.node)
                    judge = models.judged if name == "model" else models.judged_endpoint
                    rule, words = judge(kind, value.value)
                    if is_judged:
                        self._findings.add(rule, value.place, **words)
                elif not isinstance(value, Literal) and is_judged:
                    self._findings.at("model-unseen", argument.node, argument.scope, name=name)
        return bool(named)

    def _default(self, kind: str, call: ast.Call, scope: Scope) -> None:
        both = models.defaults(kind)
        if both:
            self._findings.at("model-default", call, scope, old=both[0], new=both[1])

    def _parameters(self, kind: str, arguments: Arguments) -> None:
        """Check the fields of the body that v2 says otherwise, or not at all."""
        for name in filter(arguments.has, arguments.given):
            is_zero = any(isinstance(it, Literal) and it.value == 0 for it in arguments.values(name))
            if name in _TRANSLATED and kind in {"chat", "completion"}:
                self._argument("parameter-translated", arguments, name, new=_TRANSLATED[name])
            elif name in _V1_FIELDS.get(kind, {}):
                self._argument("parameter-v1-only", arguments, name, todo=_V1_FIELDS[kind][name])
            elif name == "penalty_score" or (name == "temperature" and is_zero):
                self._argument("parameter-judged", arguments, name)

    def _foreign(self, path: str, call: ast.Call, scope: Scope) -> None:
        """Check the making of an object of LangChain's."""
        package, name = path.partition(".")[0], path.rpartition(".")[2]
        if not package.startswith("langchain"):
            return
        if name in _CLIENTS_OF_V1:
            self._findings.at("client-v1", call, scope, name=name, todo=_CLIENTS_OF_V1[name])
        if name not in _LANGCHAIN:
            return
        kind, arguments = _LANGCHAIN[name], Arguments(self._program, call, scope)
        self._findings.kinds.add(kind)
        self._keys_in_source(arguments, _LANGCHAIN_KEYS)
        self._v1_keys(arguments, _LANGCHAIN_KEYS, _INSTEAD_OF_LANGCHAIN, call, scope)
        self._hidden(name, call, scope, arguments)
        if not self._names(kind, arguments) and not arguments.hidden:
            self._default(kind, call, scope)
        self._parameters(kind, arguments)


def _is_not(value: Value, constant: object) -> bool:
    """Say whether a value may be another than a constant, and than None."""
    return not isinstance(value, Literal) or value.value not in {constant, None}


def _is_of_ours(value: Value) -> bool:
    return isinstance(value, Thing) and is_ours(value.path)
