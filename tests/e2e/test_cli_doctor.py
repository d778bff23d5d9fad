"""`qianfan doctor`: in processes of its own where the command matters, else what it looks at."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme
from support.commands import Terminal, posix, run, started
from support.processes import _TESTS, PATIENCE
from support.replies import STALL, head, page, whole
from support.server import Server, closed_port

from qianfan.doctor import State, examine

KEY = "bce-v3/ALTAK-0123456789abcdef/" + "5ecret" * 6
NAME = "qianfan.test"  # a host that only a proxy knows
LOGIN = "user:pr0xy-pa55word"

GOOD, NOTE, BAD = State.GOOD, State.NOTE, State.BAD

#: The story of a client of v2 that finds nothing wrong.
WELL = [("key", GOOD), ("api", GOOD), ("host", GOOD), ("clock", GOOD), ("call", GOOD)]


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def look(monkeypatch):
    """Look at everything in an environment; no finding holds a secret of it."""

    def look(*, limit=PATIENCE, chat=False, model=None, **variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        found = list(examine(chat=chat, model=model, limit=limit))
        hides(str(found), variables)
        return found

    return look


@pytest.fixture(scope="session")
def authority():
    """A certificate authority that nobody trusts unless told to."""
    return trustme.CA()


@pytest.fixture(scope="session")
def trusted(authority, tmp_path_factory):
    """A file with the authority's certificate."""
    bundle = tmp_path_factory.mktemp("authority") / "trusted.pem"
    authority.cert_pem.write_to_path(str(bundle))
    return str(bundle)


def identity(authority, name="127.0.0.1"):
    """Return a server's context with a certificate for a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def listed(**headers):
    """Return the reply to a list of models, with the time of now unless told otherwise."""
    headers.setdefault("Date", date(0))
    return whole({"object": "list", "data": [{"id": "ernie-9"}]}, **headers)


def date(seconds):
    """Return the time that many seconds from now, as a header tells it."""
    return format_datetime(datetime.now(timezone.utc) + timedelta(seconds=seconds), usegmt=True)


@pytest.fixture
def server():
    """A scripted service that lists one model."""
    with Server() as running:
        running.always(listed())
        yield running


def at(url, **variables):
    """Return the variables of a client of v2 with a key, where a URL leads to."""
    return {"QIANFAN_API_KEY": KEY, "QIANFAN_CONSOLE_API_BASE_URL": url, **variables}


def story(found):
    """Return what was looked at, and how it stands."""
    return [(finding.about, finding.state) for finding in found]


def hides(text, variables):
    """Check that no secret of some variables, nor ten characters of one in a row, is in a text."""
    for name, value in variables.items():
        if name.endswith(("_SK", "_SECRET_KEY", "_ACCESS_TOKEN", "_ACCESS_CODE", "_PROXY")):
            hidden = value
        elif name.endswith(("_API_KEY", "_BEARER_TOKEN")):
            hidden = value[8:]  # it begins as all do, and with a part of an id
        else:
            continue
        hidden = hidden.rpartition("@")[0] if name.endswith("_PROXY") else hidden
        parts = {hidden[start : start + 10] for start in range(max(1, len(hidden) - 9))} - {""}
        assert [part for part in parts if part in text] == []


def doctor(*arguments, **env):
    """Run the command; what it prints holds no secret of its environment."""
    done = run("doctor", *arguments, **env)
    hides(done.stdout + done.stderr, env)
    return done


# Each kind of credential, at the local platform


CREDENTIALS = [
    ("QIANFAN_API_KEY",),
    ("QIANFAN_BEARER_TOKEN",),
    ("QIANFAN_API_KEY", "QIANFAN_APP_ID"),
    ("QIANFAN_AK", "QIANFAN_SK"),
    ("QIANFAN_ACCESS_TOKEN",),
    ("QIANFAN_ACCESS_KEY", "QIANFAN_SECRET_KEY"),
]


@pytest.fixture
def values(platform):
    """The platform's addresses, and its credentials by variable."""
    with platform.client() as client:
        token = client.access_token()
    addresses = {name: url for name, url in platform.environment.items() if name.endswith("_URL")}
    platform.clear()
    return addresses, {
        **platform.environment,
        "QIANFAN_API_KEY": platform.api_key,
        "QIANFAN_BEARER_TOKEN": platform.api_key,
        "QIANFAN_APP_ID": platform.app_id,
        "QIANFAN_ACCESS_TOKEN": token,
    }


@pytest.mark.parametrize("names", CREDENTIALS, ids=" ".join)
def test_right_credentials(look, platform, values, names):
    """Each kind of credential leads to a call that is served, which writes nothing."""
    addresses, keys = values
    found = look(**addresses, **{name: keys[name] for name in names})
    told = [("key", GOOD)] * (2 if "QIANFAN_APP_ID" in names else 1) + WELL[1:]

    assert story(found) == told + ([("console", GOOD)] if "QIANFAN_SECRET_KEY" in names else [])
    assert [call for call in platform.calls() if call.route in {"chat", "completion", "text2image"}] == []


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (("QIANFAN_API_KEY",), KEY),
        (("QIANFAN_API_KEY",), "no-key-at-all-5ecret"),
        (("QIANFAN_AK", "QIANFAN_SK"), "wr0ng-5ecret-0f-an-app"),
        (("QIANFAN_ACCESS_TOKEN",), f"24.{'5ecf00d1' * 4}.2592000.1900000000.282335-1"),
        (("QIANFAN_ACCESS_KEY", "QIANFAN_SECRET_KEY"), "wr0ng-5ecret-0f-an-account"),
    ],
)
def test_wrong_credentials(look, values, names, wrong):
    """A credential that looks right and is wrong is told by the call, in the platform's words, once."""
    addresses, keys = values
    found = look(**addresses, **{name: keys[name] for name in names[:-1]}, **{names[-1]: wrong})

    assert story(found) == [*WELL[:-1], ("call", BAD)]
    assert found[-1].advice


def test_access_keys_on_v1(look, values):
    """IAM keys sign calls of v1 where that is asked for."""
    addresses, keys = values
    pair = {name: keys[name] for name in ("QIANFAN_ACCESS_KEY", "QIANFAN_SECRET_KEY")}
    found = look(**addresses, **pair, QIANFAN_API_VERSION="1")

    assert found[1].says.startswith("v1，IAM Access Key")
    assert story(found) == [*WELL, ("console", GOOD)]


def test_the_platform_s_own_environment(look, platform):
    """What a platform gives for an environment is right; a host that several calls go to is looked at once."""
    found = look(**platform.environment)

    assert story(found) == [("key", GOOD), *WELL, ("console", GOOD)]


@pytest.mark.parametrize(
    "variables", [{"QIANFAN_ACCESS_CODE": "c0de-of-acce55"}, {"QIANFAN_NO_AUTH": "1"}], ids=["code", "none"]
)
def test_a_private_deployment(look, server, variables):
    """Where no call without tokens is known, that is noted, and --chat tells more."""
    variables = {"QIANFAN_BASE_URL": server.url, **variables}
    (*_, call) = look(**variables)

    assert call.state is NOTE
    assert "--chat" in call.says
    assert server.requests == []

    server.always(page(500))
    assert story(look(**variables, chat=True))[-1] == ("chat", BAD)


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_platform_in_this_process(version):
    """QIANFAN_LOCAL needs no key, no network and no clock."""
    done = doctor("--json", QIANFAN_LOCAL="1", QIANFAN_API_VERSION=version)

    assert [(told["about"], told["state"]) for told in json.loads(done.stdout)] == [
        ("key", "note"),
        ("api", "good"),
        ("call", "good"),
        ("console", "good"),
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_a_local_platform_that_is_not_installed(tmp_path):
    """QIANFAN_LOCAL without its extra says what to install."""
    (tmp_path / "starlette.py").write_text("raise ModuleNotFoundError('none', name='starlette')\n")
    done = doctor(QIANFAN_LOCAL="1", PYTHONPATH=os.pathsep.join([str(tmp_path), str(_TESTS)]))

    assert done.returncode == 1
    assert "pip install 'qianfan[local]'" in done.stdout


def test_v1_has_an_end(look):
    """The public address of v1 is noted with its announced end; that is no fault."""
    found = look(QIANFAN_AK="a", QIANFAN_SK="5ecret5ecret", QIANFAN_PROXY=f"127.0.0.1:{closed_port()}")

    assert story(found)[1] == ("api", NOTE)
    assert "2026-08-31" in found[1].advice


# Where keys are found


def test_keys_of_a_file(platform, tmp_path):
    """A .env file is named beside what was found in it."""
    file = tmp_path / "my.env"
    file.write_text(
        f"QIANFAN_API_KEY={platform.api_key}\nQIANFAN_CONSOLE_API_BASE_URL={platform.url}\n", "utf-8"
    )
    done = doctor(QIANFAN_DOT_ENV_CONFIG_FILE=str(file))

    assert (done.returncode, done.stderr) == (0, "")
    assert f"QIANFAN_API_KEY（{file}） = bce-v3/ALTAK-" in done.stdout
    hides(done.stdout, {"QIANFAN_API_KEY": platform.api_key})


def test_a_file_that_is_not_read(platform, tmp_path):
    """A .env file that is there and not named is noted: the official SDK reads it unasked."""
    (tmp_path / ".env").write_text(f"QIANFAN_API_KEY={platform.api_key}\n")
    done = doctor()

    assert done.returncode == 1
    assert "QIANFAN_DOT_ENV_CONFIG_FILE=.env" in done.stdout


# The network


def test_a_host_that_refuses(look):
    """A refused connection is told with the address, and no call is made."""
    url = f"http://127.0.0.1:{closed_port()}"
    found = look(**at(url))

    assert story(found) == [*WELL[:2], ("host", BAD)]
    assert url in found[-1].says


@pytest.mark.parametrize("host", ["nosuch.invalid", f"{'例' * 60}.invalid"])
def test_a_host_without_an_address(look, host):
    """A name that does not resolve, or that no host can have, is told."""
    found = look(**at(f"https://{host}"))

    assert story(found) == [*WELL[:2], ("host", BAD)]
    assert host in found[-1].says


def test_a_host_that_never_shakes_hands(look, server):
    """A host that takes a connection and says nothing more ends the step at its limit."""
    server.ignores_greetings = True
    found = look(limit=0.3, **at(f"https://127.0.0.1:{server.port}"))

    assert story(found) == [*WELL[:2], ("host", BAD)]
    assert "0.3 秒" in found[-1].says


def test_a_host_that_never_answers(look, server):
    """A call that is not answered ends at the limit too, without a second attempt."""
    server.always((head(200, Content_Length="5"), STALL))
    found = look(limit=0.3, **at(server.url))

    assert story(found) == [*WELL[:3], ("call", BAD)]
    assert "no answer" in found[-1].says
    assert len(server.requests) == 1


def test_a_certificate_nobody_vouches_for(look, authority):
    """An untrusted certificate is told before any call, and how to trust it."""
    with Server(tls=identity(authority)) as server:
        found = look(**at(server.url))

        assert story(found) == [*WELL[:2], ("host", BAD)]
        assert "certificate" in found[-1].says
        assert "SSL_CERT_FILE" in found[-1].advice
        assert server.requests == []


def test_a_certificate_for_another_name(look, authority, trusted):
    """A trusted certificate for another host is told."""
    with Server(tls=identity(authority, "elsewhere.test")) as server:
        found = look(**at(server.url, SSL_CERT_FILE=trusted))

        assert story(found) == [*WELL[:2], ("tls", NOTE), ("host", BAD)]
        assert "certificate" in found[-1].says


def test_a_certificate_of_ones_own(look, authority, trusted):
    """Certificates to trust are noted with their file; the host says which TLS it speaks."""
    with Server(tls=identity(authority)) as server:
        server.always(listed())
        found = look(**at(server.url, SSL_CERT_FILE=trusted))

        assert story(found) == [*WELL[:2], ("tls", NOTE), *WELL[2:]]
        assert trusted in found[2].says
        assert "TLSv1" in found[3].says


def test_certificates_that_are_not_there(look, tmp_path):
    """A file of certificates that cannot be read is told by its name."""
    file = str(tmp_path / "none.pem")
    found = look(**at(f"https://127.0.0.1:{closed_port()}", SSL_CERT_FILE=file))

    assert story(found) == [*WELL[:2], ("tls", NOTE), ("host", BAD)]
    assert file in found[-1].says


def test_certificates_that_are_not_verified(look, authority):
    """To verify nothing is a fault, although calls are served."""
    with Server(tls=identity(authority)) as server:
        server.always(listed())
        found = look(**at(server.url, QIANFAN_SSL_VERIFICATION_ENABLED="false"))

    assert story(found) == [*WELL[:2], ("tls", BAD), *WELL[2:]]


def test_https_to_a_host_of_http(look, server):
    """A URL of https where the host speaks http is told as TLS trouble."""
    found = look(**at(f"https://127.0.0.1:{server.port}"))

    assert story(found) == [*WELL[:2], ("host", BAD)]
    assert "http/https" in found[-1].advice


def test_http_to_a_host_of_https(look, authority):
    """A URL of http where the host speaks https is told by the call that breaks."""
    with Server(tls=identity(authority)) as server:
        found = look(**at(f"http://127.0.0.1:{server.port}"))

    assert story(found) == [*WELL[:3], ("call", BAD)]


def test_a_host_that_is_no_platform(look, server):
    """A page in place of a reply is told, with what to check."""
    server.always(page(200, "<html>log in to the network</html>"))
    found = look(**at(server.url))

    assert story(found) == [*WELL[:3], ("call", BAD)]
    assert "base_url" in found[-1].advice


def test_a_console_elsewhere(look, platform):
    """The console's host is looked at by itself, after the call of the API, which does not need it."""
    url = f"http://127.0.0.1:{closed_port()}"
    found = look(**{**platform.environment, "QIANFAN_CONSOLE_API_BASE_URL": url})

    assert story(found) == [("key", GOOD), *WELL, ("host", BAD)]
    assert url in found[-1].says


def test_an_exchange_elsewhere(look, platform):
    """The host of the exchange is looked at too; without it nothing is called."""
    url = f"http://127.0.0.1:{closed_port()}"
    pair = {"QIANFAN_ACCESS_KEY": platform.access_key, "QIANFAN_SECRET_KEY": platform.secret_key}
    found = look(**pair, QIANFAN_CONSOLE_API_BASE_URL=platform.url, QIANFAN_IAM_BASE_URL=url)

    assert story(found) == [*WELL[:3], ("host", BAD), ("console", GOOD)]
    assert list(platform.calls("models")) == []


# Proxies


@pytest.fixture
def proxy():
    """A proxy that plays every host it is asked for."""
    with Server(proxy=True) as running:
        running.always(listed())
        yield running


@pytest.mark.parametrize("variable", ["QIANFAN_PROXY", "HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy(look, proxy, variable):
    """A proxy is told with the variable that names it; the host is the proxy's to find."""
    found = look(**at(f"http://{NAME}"), **{variable: proxy.url})

    assert story(found) == [*WELL[:2], ("proxy", GOOD), *WELL[3:]]
    assert proxy.url in found[2].says
    assert variable in found[2].says


def test_a_proxy_to_a_host_of_https(look, authority, trusted):
    """Through a tunnel the certificate is the call's to judge."""
    with Server(tls=identity(authority, NAME), proxy=True) as tunnel:
        tunnel.always(listed())
        found = look(**at(f"https://{NAME}"), HTTPS_PROXY=tunnel.url, SSL_CERT_FILE=trusted)
        assert story(found) == [*WELL[:2], ("tls", NOTE), ("proxy", GOOD), *WELL[3:]]

        found = look(**at("https://elsewhere.test"), HTTPS_PROXY=tunnel.url, SSL_CERT_FILE=trusted)
        assert story(found)[-1] == ("call", BAD)
        assert "certificate" in found[-1].says


def test_a_proxy_that_refuses(look):
    """A proxy that is not there is told, without its password, and no call is made."""
    port = closed_port()
    found = look(**at(f"https://{NAME}"), HTTPS_PROXY=f"http://{LOGIN}@127.0.0.1:{port}")

    assert story(found) == [*WELL[:2], ("proxy", BAD)]
    assert f"127.0.0.1:{port}" in found[-1].says
    assert "HTTPS_PROXY" in found[-1].says


@pytest.mark.parametrize(("login", "state"), [("", BAD), ("user:wr0ng-pa55word@", BAD), (f"{LOGIN}@", GOOD)])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_login(look, authority, trusted, scheme, login, state):
    """A proxy that refuses the login is told with its status; no password is shown, right or wrong."""
    with Server(tls=identity(authority, NAME), proxy=True, proxy_login=LOGIN) as proxy:
        proxy.always(listed())
        url = f"http://{login}127.0.0.1:{proxy.port}"
        found = look(**at(f"{scheme}://{NAME}"), QIANFAN_PROXY=url, SSL_CERT_FILE=trusted)

    assert story(found)[-1] == ("call", state)
    assert ("407" in found[-1].says) == (state is BAD)


@pytest.mark.parametrize(("variable", "value"), [("NO_PROXY", "127.0.0.1"), ("HTTP_PROXY", "http://p:1")])
def test_a_proxy_that_is_not_used(look, server, variable, value):
    """A proxy that is set, and not used for this host, is noted: it explains what would surprise."""
    found = look(**{**at(server.url), "http_proxy": f"http://{LOGIN}@127.0.0.1:1", variable: value})

    assert story(found) == [*WELL[:2], ("proxy", NOTE), *WELL[2:]]


def test_a_proxy_of_another_kind(look):
    """A proxy that is no HTTP proxy is refused before anything is sent, without its password."""
    found = look(**at(f"https://{NAME}"), QIANFAN_PROXY=f"socks5://{LOGIN}@127.0.0.1:1080")

    assert story(found) == [WELL[0], ("api", BAD)]


# The clock


PAIR = {"QIANFAN_ACCESS_KEY": "ALTAK0123456789abcdef", "QIANFAN_SECRET_KEY": "5ecret5ecret"}


@pytest.mark.parametrize(
    ("seconds", "keys", "state", "word"),
    [
        (0, {}, GOOD, "相差"),
        (-30, {}, GOOD, "相差"),
        (200, {}, NOTE, "慢"),
        (200, PAIR, NOTE, "慢"),
        (4000, {}, NOTE, "慢"),
        (4000, PAIR, BAD, "慢"),
        (-4000, PAIR, BAD, "快"),
        (200, {**PAIR, "QIANFAN_IAM_SIGN_EXPIRATION_SEC": "100"}, BAD, "慢"),
    ],
)
def test_a_clock(look, server, seconds, keys, state, word):
    """A clock that differs is noted; it is a fault where a key signs, and signatures would be too old."""
    server.always(listed(Date=date(seconds)))
    found = look(**at(server.url), **keys)
    (clock,) = [finding for finding in found if finding.about == "clock"]

    assert clock.state is state
    assert word in clock.says
    assert [finding.about for finding in found].index("clock") < story(found).index(("call", GOOD))


@pytest.mark.parametrize("told", ["", "yesterday", "Mon, 01 Jan 2024 00:00:00 +9999999999999", "0"])
def test_no_clock(look, server, told):
    """A reply that says no time says nothing of the clock."""
    server.always(listed(Date=told))

    assert story(look(**at(server.url))) == [*WELL[:3], WELL[4]]


def test_a_clock_without_a_zone(look, server):
    """A time whose zone is not told is that of Greenwich, as HTTP has it."""
    server.always(listed(Date=date(0).replace("GMT", "-0000")))

    assert story(look(**at(server.url))) == WELL


def test_a_clock_by_a_refusal(look, server):
    """A refusal tells the time as well as a reply does, and before what was refused."""
    server.always(whole({"error": {"code": "x", "message": "no"}}, 401, Date=date(4000)))

    assert story(look(**at(server.url))) == [*WELL[:3], ("clock", NOTE), ("call", BAD)]


# The command


def test_a_chat(platform):
    """--chat asks one question; --model says whom, and asks too."""
    env = {"QIANFAN_API_KEY": platform.api_key, "QIANFAN_CONSOLE_API_BASE_URL": platform.url}
    silent = doctor(**env)
    asked = doctor("--chat", **env)
    named = doctor("-m", "ernie-4.0-8k", **env)
    unknown = doctor("--model", "nonesuch", **env)

    assert [done.returncode for done in (silent, asked, named, unknown)] == [0, 0, 0, 1]
    assert "对话 chat" not in silent.stdout
    assert "【本地平台】" in asked.stdout
    assert [call.body["model"] for call in platform.calls("chat")] == [
        "ernie-lite-8k",
        "ernie-4.0-8k",
        "nonesuch",
    ]
    assert "invalid_model" in unknown.stdout


def test_json(platform):
    """--json writes an array and nothing else, with words that scripts can rely on."""
    done = doctor("--json", **{**platform.environment, "QIANFAN_SK": "wrong-5ecret"})
    found = json.loads(done.stdout)

    assert (done.returncode, done.stderr) == (1, "")
    assert found[-2] == {
        "about": "call",
        "state": "bad",
        "says": "[invalid_client] Client authentication failed",
        "advice": found[-2]["advice"],
    }
    assert {told["state"] for told in found} == {"good", "bad"}


def test_words(server):
    """Each finding is one line with a mark, what to do a line below it."""
    server.always(whole({"error": {"code": "invalid_iam_token", "message": "no"}}, 401))
    done = doctor(**at(server.url))

    assert done.returncode == 1
    assert [line[0] for line in done.stdout.splitlines()] == ["✓", "✓", "✓", "✗", " "]
    assert "✗ 调用 call: [invalid_iam_token] no" in done.stdout


def test_notes_are_no_fault(server):
    """Notes end the command well."""
    done = doctor(**at(server.url, HTTP_PROXY="http://127.0.0.1:1"))

    assert done.returncode == 0
    assert "· 代理 proxy" in done.stdout


@pytest.mark.parametrize("arguments", [["--nonesuch"], ["more"], ["--model"]])
def test_wrong_usage(arguments):
    """A wrong call of the command ends with exit code 2."""
    done = doctor(*arguments)

    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_output_that_lacks_the_marks(server, encoding):
    """Where the output cannot show the marks, which would all be the same, words take their place."""
    done = doctor(**at(server.url, PYTHONIOENCODING=encoding))

    assert done.returncode == 0
    assert done.stdout.count("[good]") == len(WELL)
    assert "host: http://127.0.0.1" in done.stdout


@posix
def test_at_a_terminal(server):
    """At a terminal the marks are coloured, and everything is on the screen."""
    terminal = Terminal("doctor", **at(server.url))
    code = terminal.end()
    shown = terminal._bytes.decode()
    terminal.close()

    assert code == 0
    assert "\x1b[32m✓\x1b[0m 密钥 key" in shown
    hides(shown, at(server.url))


@posix
def test_ctrl_c(server):
    """Ctrl-C ends a look that would take its time, with the exit code of shells."""
    server.ignores_greetings = True
    with started("doctor", **at(f"https://127.0.0.1:{server.port}")) as process:
        server.wait(lambda server: server.connections == 1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    assert b"Traceback" not in out + err


def test_a_pipe_that_ends_early(server):
    """A reader that has enough, such as `head`, ends the command quietly."""
    with started("doctor", **at(server.url)) as process:
        process.stdout.close()
        said = process.stderr.read()
        code = process.wait(timeout=PATIENCE)

    assert (code, said) == (0, b"")


PLACES = ["BASE_URL", "CONSOLE_API_BASE_URL", "IAM_BASE_URL", "API_VERSION", "MODEL_API_PREFIX", "LOCAL"]


@pytest.mark.parametrize("name", PLACES)
def test_no_secret_of_the_wrong_place(name):
    """A key that stands where none belongs is shown as little as one in its place."""
    done = doctor("--json", QIANFAN_API_KEY=KEY, **{f"QIANFAN_{name}": KEY})

    assert json.loads(done.stdout)
    assert "5ecret" not in done.stdout + done.stderr


def test_the_guide_shows_what_is_printed(platform):
    """The outputs in the guide are those of the command, addresses and times apart."""
    guide = (Path(__file__).parents[2] / "docs/guides/settings.md").read_text("utf-8")
    right, wrong = re.findall(r"```text\n\$ qianfan doctor\n(.*?)```", guide, re.DOTALL)
    env = {**platform.environment, "QIANFAN_API_KEY": platform.api_key, "QIANFAN_API_VERSION": "2"}
    del env["QIANFAN_AK"], env["QIANFAN_SK"]
    printed = doctor(**env).stdout.replace(platform.url, "http://127.0.0.1:8866")

    assert re.sub(r"\d+ (ms|秒)", r"# \1", printed) == re.sub(r"\d+ (ms|秒)", r"# \1", right)
    assert doctor(QIANFAN_AK=platform.api_key).stdout == wrong
