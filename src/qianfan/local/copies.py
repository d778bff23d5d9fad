"""A call of the journal, to be made again: as a command for a shell, as a program in Python.

The journal knows no secrets, so each is named by a variable of the environment: those that
`Platform.environment` has, and `QIANFAN_ACCESS_TOKEN`.
"""

from __future__ import annotations

import re
import shlex
from pprint import pformat
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from qianfan.local.journal import MASK
from qianfan.local.wire import as_object

if TYPE_CHECKING:
    from qianfan.local.journal import Call

_CARRIED = ("content-type", "authorization", "appid")  # headers that matter to the platform

_WIDTH = 88

# A variable within a text: between two characters that no URL and no header has.
_VARIABLE = re.compile("\0(\\w+)\0")
_KEY = "\0QIANFAN_API_KEY\0"

_VARIABLES = {"access_token": "QIANFAN_ACCESS_TOKEN", "client_secret": "QIANFAN_SK"}

# What signs a call when it is made, as signatures age: {} is what is signed. In a shell, then in Python.
_SIGNATURE = (
    '"authorization: $('
    'prefix="bce-auth-v1/$QIANFAN_ACCESS_KEY/$(date -u +%Y-%m-%dT%H:%M:%SZ)/1800"; '
    'mac() {{ openssl dgst -sha256 -hmac "$1" -r | cut -c1-64; }}; '
    'key=$(printf %s "$prefix" | mac "$QIANFAN_SECRET_KEY"); '
    'printf %s/host/%s "$prefix" "$(printf "%s\\n%s\\n%s\\n%s" {} | mac "$key")")"'
)


_SIGNING = """
def mac(key, text):
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
prefix = "bce-auth-v1/" + os.environ["QIANFAN_ACCESS_KEY"] + f"/{{now}}/1800"
signature = mac(mac(os.environ["QIANFAN_SECRET_KEY"], prefix), {})
"""


def address(call: Call) -> str:
    """Return the address that a call was made to."""
    return f"http://{call.headers.get('host', 'localhost')}"


def curl(call: Call, url: str) -> str:
    """Return the command that makes a call again at a platform's address."""
    lines = [f"curl -sS{'N' if isinstance(call.answered, list) else ''} {_for_shell(_address(call, url))}"]
    if call.method != ("GET" if call.body is None else "POST"):
        lines[0] += f" -X {shlex.quote(call.method)}"
    headers = {name: _for_shell(f"{name}: {value}") for name, value in _headers(call).items()}
    if _is_signed(call):
        headers["authorization"] = _SIGNATURE.format(" ".join(map(shlex.quote, _canonical(call, url))))
    lines += [f"-H {header}" for header in headers.values()]
    if call.body is not None:
        lines.append(f"--data-raw {shlex.quote(call.asked.decode('utf-8', 'replace'))}")
    return " \\\n  ".join(lines)


def variables(call: Call) -> set[str]:
    """Return the names of the variables that `curl` fills in."""
    if _is_signed(call):
        return {"QIANFAN_ACCESS_KEY", "QIANFAN_SECRET_KEY"}
    return set(_VARIABLE.findall("".join([_address(call, ""), *_headers(call).values()])))


def python(call: Call, url: str) -> str:
    """Return the program that makes a call again: with the SDK where it is a chat, else without."""
    body = as_object(call.body)
    if call.route == "chat" and body is not None and all(map(str.isidentifier, body)):
        return _with_sdk(call, body, url)
    data = [] if call.body is None else [f"    data={_data(call.body)},"]
    headers = {name: _for_python(value) for name, value in _headers(call).items()}
    signing: list[str] = []
    if _is_signed(call):
        headers["authorization"] = 'f"{prefix}/host/{signature}"'
        signing = [_SIGNING.format(repr("\n".join(_canonical(call, url))))]
    listed = [f"        {name!r}: {value}," for name, value in headers.items()]
    lines = [
        *(["import hashlib", "import hmac"] if signing else []),
        *("import json", "import os"),
        *(["from datetime import datetime, timezone"] if signing else []),
        *("from urllib.error import HTTPError", "from urllib.request import Request, urlopen", ""),
        *signing,
        "request = Request(",
        f"    {_for_python(_address(call, url))},",
        f"    method={call.method!r},",
        *(["    headers={", *listed, "    },"] if listed else []),
        *data,
        ")",
        "try:",
        "    answer = urlopen(request)",
        "except HTTPError as refusal:",
        "    answer = refusal",
        "with answer:",
        "    print(answer.read().decode())",
    ]
    return "\n".join(lines) + "\n"


def _with_sdk(call: Call, body: dict[str, Any], url: str) -> str:
    if call.version == 2:
        keys, made = {"api_key": "QIANFAN_API_KEY"}, "chat.completions.create"
    else:
        keys, made = {"ak": "QIANFAN_AK", "sk": "QIANFAN_SK"}, "chat.do"
        if _is_signed(call):
            keys = {"access_key": "QIANFAN_ACCESS_KEY", "secret_key": "QIANFAN_SECRET_KEY"}
        body = {"endpoint": call.endpoint, **body}
    settings = "".join(f', {name}=os.environ["{variable}"]' for name, variable in keys.items())
    lines = [
        *("import os", "", "import qianfan", ""),
        f"client = qianfan.Qianfan(base_url={url!r}, version={call.version}{settings})",
        f"resp = client.{made}(",
        *(f"    {name}={_literal(value)}," for name, value in body.items()),
        ")",
    ]
    if body.get("stream") is True:
        lines += ["for event in resp:", '    print(event["result"], end="", flush=True)']
    else:
        lines += ['print(resp["result"])']
    return "\n".join(lines) + "\n"


def _address(call: Call, url: str) -> str:
    query = "&".join(
        f"{quote(name)}={_variable(name) if value == MASK else quote(value, safe='')}"
        for name, value in call.query.items()
    )
    return f"{url}{quote(call.path)}{'?' if query else ''}{query}"


def _variable(name: str) -> str:
    return f"\0{_VARIABLES.get(name) or re.sub(r'[^A-Z0-9]', '_', name.upper())}\0"


def _is_signed(call: Call) -> bool:
    """Return whether a call says who makes it by a signature; elsewhere the header is a bearer."""
    signs = call.route in {"console", "exchange"} or call.version == 1
    return signs and "authorization" in call.headers and "access_token" not in call.query


def _canonical(call: Call, url: str) -> list[str]:
    """Return what a signature covers: method, path, query and host."""
    query = sorted(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in call.query.items())
    host = quote(urlsplit(url).netloc, safe="")
    return [call.method, quote(call.path), "&".join(query), f"host:{host}"]


def _headers(call: Call) -> dict[str, str]:
    kept = {name: call.headers[name] for name in _CARRIED if name in call.headers}
    if kept.get("authorization") == MASK:
        kept["authorization"] = f"Bearer {_KEY}"
    return kept


def _for_shell(text: str) -> str:
    """Return a text as one word of a shell: only what is a variable is filled in."""
    parts = _VARIABLE.split(text)  # texts and names take turns
    quoted = [f'"${part}"' if index % 2 else shlex.quote(part) for index, part in enumerate(parts)]
    return "".join(word for word, part in zip(quoted, parts, strict=True) if part)


def _for_python(text: str) -> str:
    """Return the expression of a text."""
    parts = _VARIABLE.split(text)
    shown = [f'os.environ["{part}"]' if index % 2 else repr(part) for index, part in enumerate(parts)]
    return " + ".join(word for word, part in zip(shown, parts, strict=True) if part)


def _data(body: Any) -> str:
    return f"{body!r}.encode()" if isinstance(body, str) else f"json.dumps({_literal(body)}).encode()"


def _literal(value: Any) -> str:
    return pformat(value, width=_WIDTH, sort_dicts=False).replace("\n", "\n    ")
