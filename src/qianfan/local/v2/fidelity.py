"""The rules that v2 keeps beside those of v1, and where each is known from."""

from __future__ import annotations

from qianfan.local.marks import Mark, Rule

_D, _S, _R, _A = Mark.DOCUMENTED, Mark.SDK, Mark.REPORTED, Mark.ASSUMED

_ROUTES = (
    Rule(
        "v2 route", "chat/completions, completions, embeddings, rerank, images/generations, models", None, _D
    ),
    Rule("v2 route", "/v2/rerankers answers as /v2/rerank does", None, _S),
    Rule("v2 route", "a path that is not here, images/edits among them: HTTP 404", "not_found", _A),
    Rule("v2 route", "another method: HTTP 405", "method_not_allowed", _A),
    Rule("v2 route", "a body of more than 4 MiB: HTTP 413", "characters_too_long", _A),
    Rule("v2 route", "a fault of the platform's own: HTTP 500", "internal_error", _S),
    Rule("v2 route", "errors: code, message and type, an id, and the HTTP status of the code", None, _D),
    Rule("v2 route", "the type of internal_error, not_found and method_not_allowed", None, _A),
    Rule("v2 route", "the header Request_id comes back as on v1", None, _A),
    Rule("v2 model", "the catalogue's ids, each with its source there", None, _R),
    Rule("v2 model", "no model: HTTP 400 'model is empty'", "invalid_model", _D),
    Rule("v2 model", "a model that is no string: HTTP 400", "invalid_model", _A),
    Rule("v2 model", "a model that does not exist: HTTP 401", "invalid_model", _D),
    Rule(
        "v2 model",
        "a model of another kind, a name of v1, an id in another case: HTTP 401",
        "invalid_model",
        _A,
    ),
    Rule("v2 model", "a custom service goes by its name", None, _D),
    Rule("v2 model", "a service that is being deployed: HTTP 401", "invalid_model", _A),
    Rule("v2 model", "completions are written by the models and services of chat too", None, _A),
    Rule("v2 model", "the list: object, data with id, object, owned_by and created", None, _D),
    Rule("v2 model", "the list has the catalogue's models, then the account's services", None, _A),
)

_BEARERS = (
    Rule("v2 bearer", "an API key, bce-v3/ALTAK-<id>/<40 hex>, or an exchanged token, as bearer", None, _D),
    Rule("v2 bearer", "no bearer, an unknown one, an access token of v1: HTTP 401", "invalid_iam_token", _D),
    Rule("v2 bearer", "a token that has expired or was revoked: HTTP 401", "invalid_iam_token", _D),
    Rule("v2 bearer", "appid is not needed, and names an application", None, _D),
    Rule("v2 bearer", "an appid that no application has: HTTP 401", "invalid_appid", _D),
    Rule("v2 bearer", "an appid is app- and twelve letters or digits; an empty one is none", None, _A),
    Rule("v2 exchange", "GET /v1/BCE-BEARER/token?expireInSeconds=n, signed by an access key", None, _S),
    Rule(
        "v2 exchange", "userId, token, status, createTime and expireTime, in RFC 3339 with ms and Z", None, _S
    ),
    Rule(
        "v2 exchange", "expireInSeconds in [1, 2592000], 3600 where missing: HTTP 400", "InvalidParameter", _A
    ),
    Rule("v2 exchange", "what the console would deny: HTTP 403, with its codes and headers", None, _A),
    Rule("v2 exchange", "another method than GET: HTTP 405", "MethodNotAllowed", _A),
    Rule("v2 quota", "too many calls in a minute: HTTP 429", "rpm_rate_limit_exceeded", _D),
    Rule("v2 quota", "calls after the minute's tokens are used up: HTTP 429", "tpm_rate_limit_exceeded", _D),
    Rule("v2 quota", "too many calls in a second: HTTP 429", "rpm_rate_limit_exceeded", _A),
    Rule("v2 quota", "X-Ratelimit-* headers as on v1, no Retry-After", None, _D),
    Rule(
        "v2 quota", "an application, or a key where none is named, has an allowance of each model", None, _A
    ),
    Rule("v2 quota", "calls without a good bearer or model do not count, those refused later do", None, _A),
)

_CHAT = (
    Rule("v2 body", "a body that is not JSON: HTTP 400", "malformed_json", _D),
    Rule("v2 body", "a body that is no object", "invalid_argument", _A),
    Rule("v2 body", "unknown fields are ignored, null is the same as not given", None, _A),
    Rule("v2 messages", "roles are system, user, assistant and tool", "invalid_messages", _D),
    Rule("v2 messages", "system only first", "invalid_messages", _A),
    Rule("v2 messages", "content: a string, or parts of type text and image_url", "invalid_messages", _D),
    Rule("v2 messages", "images only of user", "invalid_messages", _A),
    Rule("v2 messages", "the last content is not blank", "invalid_messages", _D),
    Rule("v2 messages", "the last message is of user or tool", "invalid_messages", _A),
    Rule(
        "v2 messages",
        "with models named ernie-... user (or tool) and assistant take turns; the SDK says so of 2024",
        "invalid_messages",
        _A,
    ),
    Rule("v2 messages", "tool_call_id is one of the assistant's tool_calls before", "invalid_messages", _D),
    Rule("v2 messages", "every call is answered once, before anybody else speaks", "invalid_messages", _A),
    Rule("v2 messages", "the characters of all contents keep the model's limit", "characters_too_long", _D),
    Rule("v2 messages", "the tokens of all contents keep the model's limit", "tokens_too_long", _D),
    Rule("v2 messages", "the limits are those of the same model on v1", None, _A),
    Rule(
        "v2 messages",
        "an image is data:image/...;base64, or an address, which is not fetched",
        "invalid_image_url",
        _A,
    ),
    Rule(
        "v2 fields",
        "temperature in (0, 1] of ERNIE, [0, 2] of others; top_p in [0, 1]",
        "invalid_argument",
        _D,
    ),
    Rule("v2 fields", "penalty_score in [1, 2]", "invalid_argument", _D),
    Rule(
        "v2 fields",
        "frequency_ and presence_penalty in [-2, 2], repetition_penalty in (0, 2]",
        "invalid_argument",
        _D,
    ),
    Rule("v2 fields", "the ranges of penalties hold for every model", None, _A),
    Rule(
        "v2 fields",
        "max_tokens, max_completion_tokens at least 1, 1024 where neither is given",
        "invalid_argument",
        _A,
    ),
    Rule("v2 fields", "max_completion_tokens counts where both are given", None, _A),
    Rule("v2 fields", "stop: a string, or at most 4, of at most 20 characters", "invalid_argument", _A),
    Rule(
        "v2 fields",
        "seed is an integer, user a string, stream and include_usage booleans",
        "invalid_argument",
        _A,
    ),
    Rule(
        "v2 fields",
        "response_format: text, json_object, or json_schema with a schema",
        "invalid_argument",
        _A,
    ),
    Rule(
        "v2 fields",
        "a schema that demands more than 2000 values, or leads in a circle",
        "invalid_argument",
        _A,
    ),
    Rule(
        "v2 tools", "type function; name; description and parameters may be missing", "invalid_argument", _A
    ),
    Rule(
        "v2 tools", "tool_choice is auto, none, required, or names one of the tools", "invalid_argument", _A
    ),
    Rule("v2 tools", "required calls a tool after a question, and none after the answers of tools", None, _A),
    Rule("v2 tools", "tool_calls: id, type, function with name and arguments, a JSON string", None, _D),
    Rule("v2 tools", "content is empty beside them", None, _A),
    Rule("v2 tools", "in a stream they carry index", None, _D),
    Rule("v2 tools", "in a stream the name comes first, then the arguments in fragments", None, _A),
    Rule(
        "v2 tools",
        "several calls where a question names several cities, unless parallel_tool_calls is false",
        None,
        _A,
    ),
)

_ANSWERS = (
    Rule("v2 answer", "the fields of an answer and of the chunks of a stream", None, _S),
    Rule("v2 answer", "a stream ends with data: [DONE]", None, _D),
    Rule(
        "v2 answer",
        "with include_usage a last chunk without choices has the usage, else none has it",
        None,
        _D,
    ),
    Rule("v2 answer", "finish_reason is stop, length, tool_calls or content_filter", None, _S),
    Rule("v2 answer", "stop also where nothing stopped it; it comes with the last delta", None, _A),
    Rule("v2 answer", "flag is 0; of an unsafe question it is 1, and ban_round -1", None, _A),
    Rule("v2 answer", "reasoning models send reasoning_content", None, _S),
    Rule(
        "v2 answer", "it comes before the content, and counts in completion_tokens and max_tokens", None, _A
    ),
    Rule("v2 answer", "a document fits its JSON schema, pattern apart", None, _A),
    Rule("v2 answer", "search_results: index, url, title", None, _S),
    Rule(
        "v2 answer", "they come with enable and enable_trace or enable_citation, in the first chunk", None, _A
    ),
    Rule("v2 answer", "citations are ^[n]^ at the end of the words", None, _A),
    Rule("v2 completion", "choices with text; object text_completion; a stream as chat's", None, _A),
    Rule("v2 completion", "prompt is a string that is not blank; the fields of chat", "invalid_argument", _A),
    Rule("v2 embedding", "input: a text, or an array of at most 16", None, _D),
    Rule("v2 embedding", "another input; limits of texts as on v1, with v2's codes", "invalid_argument", _A),
    Rule(
        "v2 embedding",
        "encoding_format float; base64 is taken, and answered with floats",
        "invalid_argument",
        _A,
    ),
    Rule("v2 embedding", "the fields of the answer", None, _S),
    Rule("v2 embedding", "the vectors are those of the same model on v1", None, _A),
    Rule("v2 rerank", "the limits of v1, with v2's codes", "invalid_argument", _A),
    Rule("v2 rerank", "the fields of the answer; object reranker_list", None, _S),
    Rule(
        "v2 images",
        "prompt of 1 to 220 characters (irag-1.0), 512 (flux)",
        "invalid_image_genration_prompt",
        _D,
    ),
    Rule(
        "v2 images", "n in [1, 4], steps in [1, 50], size from 512x512 to 2048x2048", "invalid_argument", _D
    ),
    Rule("v2 images", "seed in [0, 4294967295], guidance in [0, 30]", "invalid_argument", _A),
    Rule(
        "v2 images",
        "refer_image is an address, and changes nothing",
        "invalid_image_genration_refer_image",
        _A,
    ),
    Rule("v2 images", "the answer: id, created, data with url", None, _A),
    Rule("v2 images", "a url gives a PNG to whoever asks, and never expires", None, _A),
    Rule("v2 images", "the prompt's tokens are taken from the quota", None, _A),
)

RULES = (*_ROUTES, *_BEARERS, *_CHAT, *_ANSWERS)
