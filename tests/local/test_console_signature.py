"""Signatures of console calls: Baidu's own signer is let in, and nobody who changes a thing."""

from __future__ import annotations

import json
import re
from itertools import permutations
from pathlib import Path
from urllib.parse import quote, unquote, urlencode

import pytest
from baidubce.auth.bce_credentials import BceCredentials
from baidubce.auth.bce_v1_signer import sign
from hypothesis import given, settings
from hypothesis import strategies as st

from qianfan.local.console import signature
from qianfan.local.wire import Request

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "bce_v1_signing.json").read_text(encoding="utf-8")
)["vectors"]

TASK = "/wenxinworkshop/finetune/createTask"
ACTION = "/v2/finetuning"
JOBS = {"Action": "DescribeFineTuningJobs"}

NOT_FOUND = ("NotFound", "NotFound, cause: Could not find credential.")
MISMATCH = (
    "SignatureDoesNotMatch",
    "SignatureDoesNotMatch, cause: Fail to authn user: Signature does not match",
)


def received(vector, target=None, headers=None, method=None):
    """Return the request of a vector as a server receives it."""
    headers = vector["headers"] if headers is None else headers
    pairs = [*headers.items(), ("Authorization", vector["expected_authorization"])]
    raw = [(name.encode(), value.encode()) for name, value in pairs]
    return Request(
        method=method or vector["method"],
        path=unquote(vector["path"]),
        query={name: value or "" for name, value in vector["query"].items()},
        headers={name.decode().lower(): value.decode("latin-1") for name, value in raw},
        body=b"{}",
        content={},
        target=target or target_of(vector),
        received=raw,
    )


def target_of(vector, spell=lambda text: quote(text, safe="")):
    """Return the request line's target, each part of the query spelt as told."""
    parts = [
        spell(name) if value is None else f"{spell(name)}={spell(value)}"
        for name, value in vector["query"].items()
    ]
    return "?".join(filter(None, [vector["path"], "&".join(parts)]))


def accepted(request, vector, sk=None, now=None):
    """Return whether a received request has a valid signature of the vector's keys."""
    now = vector["timestamp_epoch"] if now is None else now
    return signature.matches(signature.read(request, now), request, sk or vector["sk"])


def with_lower_hex(text):
    """Percent-encode in lower case."""
    return re.sub("%..", lambda match: match[0].lower(), quote(text, safe=""))


def with_every_byte(text):
    """Percent-encode letters too."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


def with_plus(text):
    """Write a space as a plus, as forms do."""
    return quote(text, safe=" ").replace(" ", "+")


def with_little(text):
    """Percent-encode only what a URL cannot have or the query splits at."""
    return quote(text, safe="/?:@!$'()*,;")


vectors = pytest.mark.parametrize(
    "vector", [v for v in VECTORS if not v.get("reference_quirk")], ids=lambda vector: vector["name"]
)


class TestVectors:
    """The vectors of the platform, read as requests that came in."""

    def test_all_are_here(self):
        """Nineteen of the twenty fit; the other signs a header that its list does not name."""
        assert len(VECTORS) == 20
        assert [v["name"] for v in VECTORS if v.get("reference_quirk")] == ["unlisted-x-bce-header-included"]

    @vectors
    def test_accepted(self, vector):
        """Each is accepted with its keys and refused with another secret."""
        assert accepted(received(vector), vector)
        assert not accepted(received(vector), vector, sk=vector["sk"] + "0")

    def test_a_header_that_is_not_listed_is_not_signed(self):
        """What Baidu's signer signs without listing it does not count: the list says what is signed."""
        (quirk,) = [v for v in VECTORS if v.get("reference_quirk")]

        assert not accepted(received(quirk), quirk)
        named = quirk["expected_authorization"].replace("x-bce-date/", "x-bce-date;x-bce-request-id/")
        assert accepted(received({**quirk, "expected_authorization": named}), quirk)

    @vectors
    @pytest.mark.parametrize("spell", [with_lower_hex, with_every_byte, with_plus, with_little])
    def test_spellings_of_the_query(self, vector, spell):
        """A query may be percent-encoded in any way, since it is decoded before it is compared."""
        assert accepted(received(vector, target_of(vector, spell)), vector)

    @vectors
    def test_orders(self, vector):
        """Headers, signed names and parameters may come in any order."""
        turned = {
            **vector,
            "headers": dict(reversed(vector["headers"].items())),
            "query": dict(reversed(vector["query"].items())),
        }
        *head, names, value = vector["expected_authorization"].split("/")
        names = ";".join(reversed(names.split(";")))
        turned["expected_authorization"] = "/".join([*head, names, value])

        assert accepted(received(turned), turned)

    @vectors
    def test_tampering(self, vector):
        """No part of what is signed can be changed, added or taken away."""
        now = vector["timestamp_epoch"]
        headers, target = vector["headers"], target_of(vector)
        more = "&" if "?" in target else "?"
        host = next(name for name in headers if name.lower() == "host")
        date = next(name for name in headers if name.lower() == "x-bce-date")
        without = {name: value for name, value in headers.items() if name != date}
        changed = [
            received(vector, method="DELETE"),
            received(vector, target=target + "x"),
            received(vector, target="/v2" + target),
            received(vector, target=target + more + "extra=1"),
            received(vector, target=target + more + "extra"),
            received(vector, headers={**headers, host: headers[host] + ":80"}),
            received(vector, headers={**headers, date: "2023-10-24T08:23:50Z"}),
            received(vector, headers=without),
        ]

        assert [accepted(request, vector, now=now) for request in changed] == [False] * len(changed)

    @vectors
    @pytest.mark.parametrize(
        ("part", "change"),
        [
            (1, lambda access_key: access_key[:-1] + "X"),
            (2, lambda timestamp: timestamp[:-2] + ("8" if timestamp[-2] == "9" else "9") + "Z"),
            (3, lambda expiration: expiration + "0"),
            (4, lambda _: "host"),
            (5, lambda value: ("1" if value[0] == "0" else "0") + value[1:]),
        ],
        ids=["access key", "timestamp", "expiration", "signed headers", "value"],
    )
    def test_tampered_authorization(self, vector, part, change):
        """No part of the Authorization header can be changed."""
        parts = vector["expected_authorization"].split("/")
        parts[part] = change(parts[part])
        changed = {**vector, "expected_authorization": "/".join(parts)}

        assert not accepted(received(changed), changed)


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(texts.filter(lambda name: name and name.lower() != "authorization"), texts, max_size=5),
    st.dictionaries(st.from_regex(r"\A[A-Za-z][A-Za-z0-9-]{0,8}\Z"), texts, max_size=4),
    st.sampled_from([quote, with_every_byte, with_plus]),
    st.randoms(use_true_random=False),
)
def test_beside_baidus_own_signer(query, extra, spell, chance):
    """Whatever query and headers Baidu's signer signs, they are accepted, in any order and spelling."""
    extra = {name: value for name, value in extra.items() if name.lower() not in {"host", "x-bce-date"}}
    extra = {name.lower(): (name, value) for name, value in extra.items()}  # names differ in more than case
    headers = {"Host": "127.0.0.1:8866", "x-bce-date": "2023-10-24T08:23:49Z", **dict(extra.values())}
    names = [name.lower().encode() for name in headers]
    chance.shuffle(names)
    made = sign(
        BceCredentials("ALTAKlocal", "secret"),
        b"POST",
        ACTION.encode(),
        {name.encode(): value.encode() for name, value in headers.items()},
        {name.encode(): value.encode() for name, value in query.items()},
        1698135829,
        300,
        names,
    )
    shuffled = list(headers.items())
    chance.shuffle(shuffled)
    vector = {
        "method": "POST",
        "path": ACTION,
        "query": query,
        "headers": dict(shuffled),
        "expected_authorization": made.decode(),
        "timestamp_epoch": 1698135829,
        "sk": "secret",
    }

    assert accepted(received(vector, target_of(vector, spell)), vector)


def ask(caller, headers, path=TASK, query=None, body=b'{"name": "x"}', **changes):
    """Send exactly these headers; return how the console took it: who is let in is told its name is short."""
    headers = {**headers, **changes}
    target = f"{path}?{urlencode(query)}" if query else path
    status, got, answer = caller.exact("POST", target, headers.items(), body)
    if status == 403:
        assert set(answer) == {"code", "message", "requestId"}
        assert (got["X-Bce-Error-Code"], got["X-Bce-Error-Message"]) == (answer["code"], answer["message"])
        return answer["code"], answer["message"]
    assert status == 200
    assert answer.get("error_code", 500001) == 500001
    return None


class TestOverTheWire:
    """What passes the gate and what does not, over real sockets."""

    @pytest.mark.parametrize("names", list(permutations(["host", "content-type", "x-bce-date"])))
    def test_any_order_of_signed_headers(self, shared_console, names):
        """The list of signed headers may be in any order, as Baidu's Python SDK writes it."""
        assert ask(shared_console, shared_console.sign("POST", TASK, signed=names)) is None

    @pytest.mark.parametrize(
        "headers", list(permutations(["Host", "content-type", "X-BCE-DATE", "Authorization"]))
    )
    def test_any_order_and_case_of_headers(self, shared_console, headers):
        """The headers themselves may come in any order and case."""
        signed = {name.lower(): value for name, value in shared_console.sign("POST", TASK).items()}

        assert ask(shared_console, {name: signed[name.lower()] for name in headers}) is None

    @pytest.mark.parametrize(
        "options",
        [
            {"signed": ["host", "x-bce-date"]},
            {"signed": ["host"], "date": False},
            {"signed": ["host", "content-type"], "date": False},
            {"signed": (), "extra": {"Content-Length": "13"}},
            {"signed": (), "extra": {"Content-Length": "13", "Content-Type": None, "x-bce-meta-x": "1"}},
            {"extra": {"request-source": "qianfan_py_sdk_v0.4.12.3"}},
            {"extra": {"Request_id": "sdk-py-0.4.12-0123456789abcdef"}},
            {"extra": {"x-bce-meta-name": " 测试 v1 "}},
            {"extra": {"Content-Type": "  application/json; charset=utf-8  "}},
            {"extra": {"Content-Type": ""}},
            {"expiration": 1800},
            {"expiration": 1800, "late": 1000},
            {"late": 200},
            {"late": -200},
        ],
        ids=str,
    )
    def test_accepted(self, shared_console, options):
        """What Baidu's signer makes is let in, whichever headers it signs."""
        headers = shared_console.sign("POST", TASK, **options)
        headers.pop("Content-Length", None)  # it is sent last, and was signed where the default set is

        assert ask(shared_console, headers) is None

    @pytest.mark.parametrize(
        "target",
        [
            "?Action=DescribeFineTuningJobs",
            "?%41ction=%44escribeFineTuningJobs",
            "?Action=DescribeFineTuningJobs&",
            "?&Action=DescribeFineTuningJobs",
        ],
    )
    def test_spellings_of_an_action(self, shared_console, target):
        """The action is found however it is spelt."""
        headers = shared_console.sign("POST", ACTION, JOBS)
        status, _, answer = shared_console.exact("POST", ACTION + target, headers.items())

        assert (status, set(answer)) == (200, {"requestId", "result"})

    @pytest.mark.parametrize("query", ["a=1&b=x+y&c=", "b=x%20y&a=1&c", "c=&%62=%78%20y&a=%31"])
    def test_spellings_of_other_parameters(self, shared_console, query):
        """Parameters that nobody asks for are signed too, in any order and spelling."""
        headers = shared_console.sign("POST", TASK, {"a": "1", "b": "x y", "c": ""})
        _, _, answer = shared_console.exact("POST", f"{TASK}?{query}", headers.items())

        assert answer["error_code"] == 500001

    def test_parameters_named_authorization_are_not_signed(self, shared_console):
        """A parameter of this name is left out of what is signed."""
        headers = shared_console.sign("POST", TASK)
        _, _, answer = shared_console.exact("POST", f"{TASK}?Authorization=x", headers.items())

        assert answer["error_code"] == 500001

    def test_the_body_is_not_signed(self, shared_console):
        """Another body passes with the same signature, as the scheme does not cover it."""
        headers = shared_console.sign("POST", TASK)

        assert ask(shared_console, headers, body=b"{}") is None
        assert ask(shared_console, headers, body=b"no JSON") is None

    @pytest.mark.parametrize("late", [400, 86_400, -400])
    def test_old_and_early(self, shared_console, late):
        """A signature is refused that is older than it may be, or from as far in the future."""
        code, message = ask(shared_console, shared_console.sign("POST", TASK, late=late))

        assert code == "RequestExpired"
        assert re.fullmatch(r"RequestExpired, cause: the signature of \S+Z is valid for 300 s, .*Z", message)

    def test_the_machines_clock(self, console):
        """Signatures are judged by the machine's clock: the caller cannot know that the platform's was moved."""
        caller = console()
        caller.platform.advance(days=2)

        assert ask(caller, caller.sign("POST", TASK)) is None
        assert ask(caller, caller.sign("POST", TASK, late=-2 * 86_400))[0] == "RequestExpired"

    @pytest.mark.parametrize(
        ("keys", "denied"),
        [
            (lambda _, sk: ("ALTAKnobody", sk), NOT_FOUND),
            (lambda ak, sk: (ak.lower(), sk), NOT_FOUND),
            (lambda ak, _: (ak, "wrong"), MISMATCH),
            (lambda ak, sk: (ak, sk.upper()), MISMATCH),
            (lambda ak, sk: (sk, ak), NOT_FOUND),
        ],
        ids=["unknown key", "key in lower case", "wrong secret", "secret in upper case", "swapped"],
    )
    def test_keys(self, shared_console, keys, denied):
        """An unknown key and a wrong secret are told apart, in the platform's words."""
        assert (
            ask(shared_console, shared_console.sign("POST", TASK, keys=keys(*shared_console.keys))) == denied
        )

    @pytest.mark.parametrize(
        "changes",
        [
            {"x-bce-date": "2023-10-24T08:23:49Z"},
            {"Host": "localhost"},
            {"Content-Type": "text/plain"},
            {"query": {"a": "2"}},
            {"query": {"a": "1", "b": ""}},
            {"path": "/wenxinworkshop/finetune/createJob", "query": {"a": "1"}},
        ],
        ids=str,
    )
    def test_tampered(self, shared_console, changes):
        """What was signed cannot be changed on the way."""
        headers = shared_console.sign("POST", TASK, {"a": "1"})

        assert ask(shared_console, headers, **{"query": {"a": "1"}, **changes}) == MISMATCH

    def test_another_method(self, shared_console):
        """A signature for POST lets no PUT in."""
        _, _, answer = shared_console.exact("PUT", TASK, shared_console.sign("POST", TASK).items())

        assert answer["code"] == "SignatureDoesNotMatch"

    def test_a_header_that_is_gone(self, shared_console):
        """A header that was signed must come."""
        headers = shared_console.sign("POST", TASK)
        del headers["Content-Type"]

        assert ask(shared_console, headers) == MISMATCH

    @pytest.mark.parametrize("name", ["content-type", "x-bce-date"])
    def test_a_signed_header_twice(self, shared_console, name):
        """A signed header cannot be doubled, even with the same value; others can."""
        headers = shared_console.sign("POST", TASK)
        again = [*headers.items(), (name, {key.lower(): key for key in headers}[name])]
        status, _, answer = shared_console.exact("POST", TASK, again)
        assert (status, answer["code"]) == (403, "SignatureDoesNotMatch")

        unsigned = [*headers.items(), ("User-Agent", "a"), ("User-Agent", "b")]
        assert shared_console.exact("POST", TASK, unsigned)[0] == 200

    @pytest.mark.parametrize("signed", [None, ()], ids=["listed", "default set"])
    def test_no_host(self, shared_console, signed):
        """Without a Host header nobody is let in, whatever was signed."""
        headers = shared_console.sign(
            "POST", TASK, signed=signed, extra={"Host": None, "Content-Length": "13"}
        )
        headers.pop("Content-Length")
        status, _, answer = shared_console.exact("POST", TASK, headers.items())

        assert (status, answer["error_code"]) == (400, 336008)

    def test_the_host_is_signed(self, shared_console):
        """A list of signed headers without host is refused."""
        code, message = ask(shared_console, shared_console.sign("POST", TASK, signed=["x-bce-date"]))

        assert (code, message) == (
            "InvalidHTTPAuthHeader",
            "InvalidHTTPAuthHeader, cause: the header host must be signed",
        )

    def test_a_date_of_its_own(self, shared_console):
        """A date that is not signed must be the signature's."""
        headers = shared_console.sign("POST", TASK, signed=["host"])
        code, message = ask(shared_console, headers, **{"x-bce-date": "2023-10-24T08:23:49Z"})

        assert code == "InvalidHTTPAuthHeader"
        assert "x-bce-date" in message

    def test_unsigned(self, shared_console):
        """A call without a signature is denied, also one with an access token."""
        headers = {"Host": shared_console.sign("POST", TASK)["Host"]}

        assert ask(shared_console, headers)[0] == "AccessDenied"
        assert ask(shared_console, headers, query={"access_token": "24.x"})[0] == "AccessDenied"

    @pytest.mark.parametrize(
        "change",
        [
            lambda _: "",
            lambda _: "Bearer bce-v3/ALTAK-x/0123456789",
            lambda it: it.replace("bce-auth-v1", "bce-auth-v2"),
            lambda it: it.replace("bce-auth-v1", "BCE-AUTH-V1"),
            lambda it: it.replace("bce-auth-v1/", ""),
            lambda it: it + "/",
            lambda it: it[:-1],
            lambda it: it[:-64] + it[-64:].upper() + "A",
            lambda it: it.replace("/300/", "/3e2/"),
            lambda it: it.replace("/300/", "/-300/"),
            lambda it: it.replace("/300/", "/9999999999/"),
            lambda it: re.sub(r"\d\d-\d\dT", "13-45T", it),
            lambda it: re.sub(r"T(\d\d):", r" \1:", it),
            lambda it: it.replace(";", " ; "),
            lambda it: f"x {it}",
        ],
    )
    def test_malformed(self, shared_console, change):
        """An Authorization header of another form is told to be malformed."""
        headers = shared_console.sign("POST", TASK)
        headers["Authorization"] = change(headers["Authorization"])

        assert ask(shared_console, headers) == (
            "InvalidHTTPAuthHeader",
            "InvalidHTTPAuthHeader, cause: the Authorization header is malformed",
        )

    def test_another_access_key(self, console):
        """A key that was added signs too, only with its own secret."""
        caller = console()
        added = caller.platform.add_access_key("ALTAKmine", "秘密 secret")
        made = caller.platform.add_access_key()

        for key in (added, made):
            assert ask(caller, caller.sign("POST", TASK, keys=(key.ak, key.sk))) is None
            assert ask(caller, caller.sign("POST", TASK, keys=(key.ak, caller.keys[1]))) == MISMATCH

    def test_any_key(self, console):
        """Where any key does, a signature needs its form and its date, and no known key."""
        caller = console(any_key=True)

        assert ask(caller, caller.sign("POST", TASK, keys=("stranger", "unknown"))) is None
        assert ask(caller, caller.sign("POST", TASK, keys=(caller.keys[0], "unknown"))) is None
        assert ask(caller, caller.sign("POST", TASK, late=400))[0] == "RequestExpired"
        assert ask(caller, {"Host": caller.sign("POST", TASK)["Host"]})[0] == "AccessDenied"

    def test_every_route_is_signed(self, shared_console):
        """No group of v2 and no route of v1 lets an unsigned call in, known or not."""
        for target in (TASK, "/wenxinworkshop/no/such", ACTION + "?Action=No", "/v2/memory?Action=No"):
            status, _, answer = shared_console.exact("POST", target, [("Host", "localhost")])
            assert (status, answer["code"]) == (403, "AccessDenied")

    def test_no_secret_is_told(self, shared_console):
        """Neither the answer nor the journal has the signature or the secret."""
        headers = shared_console.sign("POST", TASK, keys=(shared_console.keys[0], "wrong"))
        value = headers["Authorization"].rpartition("/")[2]
        _, got, answer = shared_console.exact("POST", TASK, headers.items())
        call = shared_console.platform.calls("console").last

        assert call.headers["authorization"] == "***"
        told = f"{answer} {dict(got)} {call}"
        assert value not in told
        assert shared_console.keys[1] not in told
        assert shared_console.keys[1] not in repr(shared_console.platform._state.account.access.default)


@pytest.mark.parametrize(
    ("ak", "sk"), [("", "s"), ("a", ""), ("a/b", "s"), ("a b", "s"), ("钥匙", "s"), ("a\n", "s"), (None, "")]
)
def test_access_keys_that_could_not_sign(console, ak, sk):
    """A key that no signature could carry is refused when it is added; so is one that is there."""
    platform = console().platform

    with pytest.raises(ValueError, match="printable ASCII"):
        platform.add_access_key(ak, sk)
    with pytest.raises(ValueError, match="already"):
        platform.add_access_key(platform.access_key)
