"""What all resources have in common: a client, a model and endpoint of their own, options of a call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from qianfan import catalog
from qianfan.core.call import Call, Options
from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from qianfan.bulk.batch import Batch
    from qianfan.catalog import Model
    from qianfan.client import Qianfan
    from qianfan.errors import QianfanError
    from qianfan.response import Response


class CommonOptions(TypedDict, total=False):
    """What every call may set for itself, beside the fields of its body.

    Attributes:
        retry_count: Attempts in all, from 1; default 3. 0 counts as 1.
        request_timeout: Seconds for the call with its attempts, above 0; of a stream, until the first
            and then each next event. Default 300.
        backoff_factor: Seconds the first pause between attempts is drawn from, from 0; default 1.
        request_id: An id of yours, sent in a header and kept by the service.
        extra: Body fields this package does not know yet.
        headers: HTTP headers to add.
    """

    retry_count: int | None
    request_timeout: float | None
    backoff_factor: float | None
    request_id: str | None
    extra: Mapping[str, Any] | None
    headers: Mapping[str, str] | None


class CallOptions(CommonOptions, total=False):
    """What every call may set for itself where `query` is no field of its body.

    Attributes:
        query: Query parameters to add to the URL.
    """

    query: Mapping[str, str] | None


class WritingParameters(CallOptions, total=False):
    """How a model writes; which of it a model reads, its page in the platform's documentation says.

    A name that is not listed here travels to the service as it is; typed code passes it in `extra`.
    A value of None was not given. The service checks the ranges.

    Attributes:
        temperature: How freely words are chosen, in (0, 1]; default 0.95 on ERNIE.
        top_p: Part of the likeliest words to choose from, in [0, 1]; default 0.8 on ERNIE.
        top_k: Number of the likeliest words to choose from, above 0 (open models).
        penalty_score: Penalty for repetition, in [1, 2]; default 1.
        stop: At most 4 texts of at most 20 characters at which the answer ends.
        max_output_tokens: Most tokens of the answer, in [2, 2048] on 8K models.
        system: The persona of the model, at most 1024 characters (ERNIE).
        user_id: Your user's id, for the service's own protection.
    """

    temperature: float | None
    top_p: float | None
    top_k: int | None
    penalty_score: float | None
    stop: Sequence[str] | None
    max_output_tokens: int | None
    system: str | None
    user_id: str | None


class Resource:
    """A resource on a client.

    Args:
        client: Who carries the calls out.
        model: The model of calls that name none; default see the class.
        endpoint: The service of calls that name none, by the last part of its address.
    """

    #: The kind of its calls, a key of the catalogue.
    kind: ClassVar[str]

    #: Names of the body that its arguments stand for: no other way leads to them.
    reserved: ClassVar[tuple[str, ...]] = ("stream",)

    def __init__(self, client: Qianfan, model: str | None = None, endpoint: str | None = None) -> None:
        self._client = client
        self._model = model or None
        self._endpoint = endpoint or None

    @classmethod
    def models(cls) -> set[str]:
        """Return the names of the preset models."""
        return {model.name for model in catalog.models(cls.kind)}

    @classmethod
    def get_model_info(cls, model: str) -> Model:
        """Return what the catalogue knows of a preset model, by its name in any case.

        Raises:
            InvalidArgumentError: It does not know the name; a call may use it all the same.
        """
        known = catalog.find(cls.kind, model)
        if known is None:
            near = catalog.nearest(cls.kind, model)
            raise InvalidArgumentError(
                f"the catalogue has no {cls.kind} model {model!r}",
                hint=f"did you mean {', '.join(near)}?" if near else "models() lists those it has",
            )
        return known

    def access_token(self) -> str:
        """Return the access token of the moment, fetched first where needed; "" where none is used."""
        return self._client.access_token()

    async def aaccess_token(self) -> str:
        """Do what `access_token` does, in the running event loop."""
        return await self._client.aaccess_token()

    def _call(
        self,
        fields: dict[str, Any],
        parameters: Mapping[str, Any],
        model: str | None,
        endpoint: str | None,
        stream: bool = False,
    ) -> tuple[Call, Options]:
        """Say what is wanted, with what this object was made with where the call says nothing."""
        if not model and not endpoint:
            model, endpoint = self._model, self._endpoint
        for given in (model, endpoint):
            if given is not None and not isinstance(given, str):
                raise InvalidArgumentError(f"model and endpoint are names, not {type(given).__name__}")
        own = tuple(fields)
        fields.update(parameters)
        options, headers = taken(fields)
        query = mapping("query", None if "query" in own else fields.pop("query", None))
        extra = mapping("extra", fields.pop("extra", None))
        for name in self.reserved:
            if name in parameters:
                raise InvalidArgumentError(f"{name} is no parameter here: another argument stands for it")
        if extra:
            for name in (*own, *self.reserved):
                if name in extra:
                    raise InvalidArgumentError(f"extra holds {name}, which is an argument of its own")
            fields.update(extra)
        return Call(self.kind, model, endpoint, fields, stream, headers, query), options


class Batched(Resource):
    """A resource that also takes a list of inputs, as later SDKs have it.

    For inputs without end, outcomes that survive a crash, or ids: `client.map`.
    """

    def batch_do(
        self, inputs: Iterable[Any] | None = None, worker_num: int | None = None, **parameters: Any
    ) -> Batch:
        """Ask for many inputs, several at once; the requests go out now.

        Args:
            inputs: What `do` takes as its first argument, each; or dicts with the arguments of a call.
            worker_num: Most requests at once, from 1; default 64.
            **parameters: What `do` takes. `messages_list`, `prompt_list` and `texts_list` are other names
                of `inputs`.

        Returns:
            The replies in the order of the inputs, each a reply or the error that came instead.

        Raises:
            InvalidArgumentError: An argument that all calls share cannot be right; nothing was sent.
        """
        from qianfan.bulk.batch import batch

        return batch(self._client, self.kind, *self._many(inputs, worker_num, parameters))

    async def abatch_do(
        self, inputs: Iterable[Any] | None = None, worker_num: int | None = None, **parameters: Any
    ) -> list[Response | QianfanError]:
        """Do what `batch_do` does, in the running event loop; return the replies when all have come."""
        from qianfan.bulk.batch import abatch

        return await abatch(self._client, self.kind, *self._many(inputs, worker_num, parameters))

    def _many(
        self, inputs: Any, worker_num: int | None, parameters: dict[str, Any]
    ) -> tuple[Any, int | None, dict[str, Any]]:
        for name in _LISTS:
            inputs = parameters.pop(name, inputs)
        if not (parameters.get("model") or parameters.get("endpoint")):
            parameters.update(model=self._model, endpoint=self._endpoint)
        return inputs, worker_num, parameters


#: Other names of the inputs of `batch_do`.
_LISTS = ("messages_list", "prompt_list", "texts_list")


def taken(fields: dict[str, Any]) -> tuple[Options, Mapping[str, str]]:
    """Take out of the fields of a call its options and headers."""
    take = fields.pop
    options = Options(take("retry_count", None), take("request_timeout", None), take("backoff_factor", None))
    headers = mapping("headers", take("headers", None))
    request_id = take("request_id", None)
    return options, {**headers, "Request_id": request_id} if request_id else headers


_NOTHING: Mapping[str, Any] = {}


def mapping(name: str, value: Any) -> Mapping[str, Any]:
    """Return an argument that is a mapping, an empty one where it was not given."""
    if not value:
        return _NOTHING
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(f"{name} must be a dict, not {type(value).__name__}")
    return value


def filled_text(name: str, value: Any) -> str:
    """Return an argument that is a text, or raise `InvalidArgumentError` where it cannot be one."""
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{name} must be a str, not {type(value).__name__}")
    if not value.strip():
        raise InvalidArgumentError(f"{name} is empty")
    return value


#: openai's names of the options of a call.
_OPTIONS = {
    "timeout": "request_timeout",
    "extra_body": "extra",
    "extra_headers": "headers",
    "extra_query": "query",
}


def renamed(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a call under the names that `do` has for them."""
    return {_OPTIONS.get(name, name): value for name, value in parameters.items()}
