"""How true the local platform is: every rule it keeps, and where that rule is known from.

The documentation's table is made from this one. A rule marked `ASSUMED` is our choice where nothing
was found; who knows better is welcome to correct it.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Mark(Enum):
    """Where a rule is known from."""

    DOCUMENTED = "documented"  # the platform's documentation says so
    SDK = "read in SDKs"  # its official SDKs rely on it
    REPORTED = "reported"  # recorded answers in public issues, other projects' adapters
    ASSUMED = "assumed"  # nothing was found; our choice


class Rule(NamedTuple):
    """One rule: what it is about, what it says, the code a breach answers, where it is known from."""

    area: str
    says: str
    code: int | str | None
    mark: Mark


_D, _S, _R, _A = Mark.DOCUMENTED, Mark.SDK, Mark.REPORTED, Mark.ASSUMED

RULES = (
    Rule("route", "every chat endpoint of the catalogue answers, retired ones too", None, _A),
    Rule("route", "a custom service answers at /chat/<name>", None, _D),
    Rule(
        "route",
        "custom services of other kinds answer at /completions/<name>, /embeddings/<name>, /reranker/<name>",
        None,
        _S,
    ),
    Rule("route", "an unknown endpoint or method of the API", 3, _D),
    Rule("route", "a path outside the API: HTTP 404", 3, _A),
    Rule("route", "inference by another method than POST", 336101, _S),
    Rule("route", "a body of more than 4 MiB: HTTP 413", 336007, _A),
    Rule("route", "the header Request_id comes back as X-Baidu-Request-Id", None, _S),
    Rule("token", "keys in the query of /oauth/2.0/token give a token for 2592000 s", None, _S),
    Rule("token", "GET does as well as POST", None, _A),
    Rule("token", "an unknown API Key: HTTP 401 'unknown client id'", "invalid_client", _S),
    Rule("token", "a wrong Secret Key: HTTP 401 'Client authentication failed'", "invalid_client", _S),
    Rule("token", "no grant_type: HTTP 400; the value is known, its occasion is not", "invalid_request", _A),
    Rule(
        "token",
        "another grant_type than client_credentials: HTTP 400, as in RFC 6749",
        "unsupported_grant_type",
        _A,
    ),
    Rule("token", "several tokens of an application are valid at once", None, _A),
    Rule("authenticate", "an unknown or revoked access token", 110, _D),
    Rule("authenticate", "no access token at all", 110, _A),
    Rule("authenticate", "an access token that has expired", 111, _D),
    Rule("authenticate", "an empty access token", 100, _A),
    Rule("authenticate", "a signature; this platform has no access keys yet", 14, _D),
    Rule("quota", "too many calls in a second; a bucket of max(1, qps) calls", 18, _D),
    Rule("quota", "too many calls in a minute; the minute opens with its first call", 336501, _D),
    Rule("quota", "calls after the minute's tokens are used up", 336502, _D),
    Rule("quota", "each application has its own allowance at each endpoint", None, _D),
    Rule("quota", "X-Ratelimit-* headers on answered and limited calls, where a limit is set", None, _D),
    Rule("quota", "calls refused by the rules count, calls refused by the quota do not", None, _A),
    Rule("body", "errors are HTTP 200, with an id from code 1000 on", None, _D),
    Rule("body", "a body that is not JSON", 336002, _D),
    Rule("body", "a body that is no object, messages missing or of a wrong type", 336001, _D),
    Rule("body", "unknown fields are ignored", None, _S),
    Rule("body", "null is the same as not given", None, _A),
    Rule("messages", "their number is odd; empty counts as even", 336006, _R),
    Rule(
        "messages",
        "user or function, and assistant, take turns; the words are those of the odd number",
        336006,
        _R,
    ),
    Rule("messages", "roles are user, assistant, function; not system", 336006, _A),
    Rule("messages", "content is a string that is not empty, unless function_call is there", 336003, _A),
    Rule("messages", "a function message has a name", 336003, _A),
    Rule("messages", "function_call has a name: \"function_call's name can't be blank\"", 336003, _R),
    Rule("messages", "the characters of all contents keep the model's limit", 336007, _R),
    Rule("messages", "the tokens of all contents keep the model's limit", 336103, _A),
    Rule("fields", "temperature in (0, 1], top_p in [0, 1], penalty_score in [1, 2]", 336003, _D),
    Rule("fields", "max_output_tokens in [2, 2048], 1024 where not given", 336003, _D),
    Rule("fields", "stop: at most 4 strings of at most 20 characters", 336003, _R),
    Rule("fields", "top_k at least 1", 336003, _S),
    Rule("fields", "response_format is text or json_object", 336003, _S),
    Rule(
        "fields",
        "stream, disable_search, enable_citation, enable_trace are booleans; user_id is a string",
        336003,
        _A,
    ),
    Rule("fields", "system is a string of at most 1024 characters", 336104, _A),
    Rule("fields", "user_setting is a string", 336105, _A),
    Rule("fields", "the same ranges for every model, even one that ignores the field", None, _A),
    Rule("functions", "name, description and a JSON schema of type object, which is not empty", 336303, _A),
    Rule("functions", "tool_choice names one of the functions", 336003, _A),
    Rule(
        "functions", "models whose entry in the catalogue has no functions ignore them, and say so", None, _A
    ),
    Rule("functions", "the call comes whole, in one stream event, with result empty", None, _S),
    Rule("answer", "the fields of a unary answer and of each stream event", None, _S),
    Rule("answer", "data: <json> and an empty line; no [DONE]; the last event has is_end true", None, _S),
    Rule(
        "answer",
        "usage: characters + 1.3 x words; history, system and functions count; cumulative in a stream",
        None,
        _D,
    ),
    Rule(
        "answer",
        "finish_reason only of ERNIE models, in a stream only at its end; others give is_safe",
        None,
        _A,
    ),
    Rule("answer", "a phrase in the question gives need_clear_history true and ban_round -1", None, _A),
    Rule("completion", "prompt missing or no string", 336001, _A),
    Rule("completion", "prompt is not blank; the optional fields have the ranges of chat", 336003, _A),
    Rule("completion", "prompt keeps the model's limits, where the catalogue has any", 336007, _A),
    Rule("completion", "the fields of the answer; a stream adds sentence_id and is_end", None, _S),
    Rule("completion", "usage: as in chat, cumulative in a stream", None, _A),
    Rule("completion", "SQLCoder-7B answers with a query of fixed form", None, _A),
    Rule("embedding", "input missing", 336001, _A),
    Rule(
        "embedding",
        "at most 16 texts, of tao-8k 1; the limit is documented, its code is not",
        336003,
        _A,
    ),
    Rule("embedding", "input is an array that is not empty, of strings that are not empty", 336003, _A),
    Rule("embedding", "each text keeps the model's characters; the code is not documented", 336007, _A),
    Rule("embedding", "each text keeps the model's tokens; the code is not documented", 336103, _A),
    Rule("embedding", "a custom service takes 16 texts of any length and gives 384 dimensions", None, _A),
    Rule("embedding", "the fields of the answer; index is the text's place", None, _S),
    Rule("embedding", "the dimensions: 384 of Embedding-V1", None, _S),
    Rule("embedding", "the dimensions: 1024 of the other models", None, _A),
    Rule("embedding", "vectors have length 1 and compare words and characters, not meaning", None, _A),
    Rule("reranker", "query or documents missing, query no string", 336001, _A),
    Rule(
        "reranker",
        "query is not blank, 1 to 64 documents that are not empty; the limit is documented",
        336003,
        _A,
    ),
    Rule(
        "reranker",
        "at most 1600 characters of query and 4096 of each document; the code is not documented",
        336007,
        _A,
    ),
    Rule("reranker", "top_n at least 1; more than there are documents: all of them", 336003, _A),
    Rule("reranker", "the fields of the answer; results sorted by relevance_score", None, _S),
    Rule("reranker", "scores from 0 to 1 compare words and characters, not meaning", None, _A),
    Rule("tokenizer", "prompt missing or no string; it may be empty", 336001, _A),
    Rule("tokenizer", "model is a string, and changes nothing", 336003, _A),
    Rule("tokenizer", "the fields of the answer", None, _S),
    Rule("tokenizer", "usage: characters + 1.3 x words, as everywhere", None, _D),
    Rule("tokenizer", "the tokens counted are taken from the quota", None, _A),
    Rule("plugin", "a plugin application answers at /plugin/<name>/; none is preset", None, _D),
    Rule("plugin", "the slash at the end of its address may be missing", None, _A),
    Rule("plugin", "query: 1 to 1000 characters", 336003, _D),
    Rule("plugin", "plugins: 1 to 3 names; one alone decides who answers", 336003, _D),
    Rule("plugin", "a name in plugins that nobody registered", 4224002, _A),
    Rule("plugin", "uuid-zhishiku in plugins is the knowledge base", None, _A),
    Rule("plugin", "llm: temperature, top_p and penalty_score, with the ranges of chat", 336003, _A),
    Rule("plugin", "history: texts with the role user or assistant, in any order", 336003, _A),
    Rule(
        "plugin",
        "input_variables is an object, verbose a boolean, fileurl a string; no template is filled in",
        336003,
        _A,
    ),
    Rule("plugin", "a function that raises, or returns what JSON cannot say", 4224001, _A),
    Rule("plugin", "the answer has chat's fields and log_id, with verbose also meta_info", None, _S),
    Rule("plugin", "in a stream, log_id is in each event and meta_info in the last", None, _A),
    Rule("erniebot", "/erniebot/plugins and /erniebot/plugin answer alike", None, _A),
    Rule("erniebot", "messages keep the rules of chat; plugins is missing", 336001, _S),
    Rule("erniebot", "plugins: at least 1 name; extra_data is a string", 336003, _A),
    Rule("erniebot", "a plugin that nobody registered answers with a sample chart", None, _A),
    Rule("erniebot", "plugin_info, plugin_metas and usage.plugins, and the fields of plugin_info", None, _S),
    Rule("erniebot", "the fields of plugin_metas and of usage.plugins", None, _A),
    Rule("erniebot", "stream events named pluginMeta, plugin and chat", None, _S),
    Rule(
        "erniebot", "plugin comes twice, with status 1 and then 2; only chat events have a result", None, _A
    ),
    Rule("text2image", "prompt: 1 to 1024 characters", 336003, _D),
    Rule(
        "text2image",
        "size is 768x768, 768x1024, 1024x768, 576x1024, 1024x576 or 1024x1024, the default",
        336003,
        _D,
    ),
    Rule("text2image", "n in [1, 4], steps in [10, 50], cfg_scale in [0, 30]", 336003, _D),
    Rule("text2image", "seed in [0, 4294967295], 0 where not given", 336003, _A),
    Rule("text2image", "negative_prompt, sampler_index, style and user_id are strings", 336003, _A),
    Rule("text2image", "prompt, seed, size and index decide the picture, no other field does", None, _A),
    Rule("text2image", "the answer's fields", None, _S),
    Rule("text2image", "usage counts prompt and negative_prompt, and nothing for the pictures", None, _A),
    Rule("image2text", "prompt is not blank", 336003, _A),
    Rule("image2text", "image is the base64 of a PNG, JPEG, GIF, WebP or BMP; no data: header", 336003, _A),
    Rule("image2text", "the open models' fields, with the ranges of chat", 336003, _A),
    Rule("image2text", "the answer has chat's fields, with is_safe", None, _S),
    Rule("image2text", "usage counts the prompt, and nothing for the image", None, _A),
)
