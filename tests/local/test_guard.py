"""Who is let in: by the name that is called, by the page that calls, from this machine and from others."""

from __future__ import annotations

import json
import secrets

import pytest
from admin_caller import Admin
from local_caller import PREFIX
from v2_caller import MODEL
from wire_caller import ask, head, request

import qianfan.local
from qianfan.local import hosts
from qianfan.local.admin import entry

TOKEN = "an-admin-token-of-ours"  # for other machines


def status_of(platform, name, *lines, target="/v2/models"):
    """Return the HTTP status of a request for a name."""
    return ask(platform, head(target, *lines, host=f"Host: {name}\r\n".encode("latin-1"))).status


class TestHost:
    """The name in `Host`."""

    @pytest.mark.parametrize(
        "name",
        [
            "localhost",
            "LocalHost:8866",
            "localhost.:8866",
            "shop.localhost:80",
            "127.0.0.1",
            "127.8.8.8:1",
            "[::1]:8866",
            "[::1]",
            "[::ffff:127.0.0.1]:8866",
            "192.168.1.7:8866",
            "10.0.0.1",
            "[2001:db8::1]:8866",
        ],
    )
    def test_this_machine(self, shared, name):
        """`localhost` and any address are let in, with any port: none is a name that others can have."""
        assert status_of(shared.platform, name) == 401

    @pytest.mark.parametrize(
        "name",
        [
            "evil.example",
            "evil.example:8866",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8866",
            "127.0.0.1.",
            "127.1",
            "2130706433",
            "0x7f000001",
            "notlocalhost",
            "::1",
            "[localhost]:8866",
            "[evil.example]",
            "127.0.0.1@evil.example",
            "evil.example#127.0.0.1",
            "127.0.0.1, evil.example",
            "例子.中国".encode().decode("latin-1"),
            "",
            ":8866",
        ],
    )
    def test_other_names(self, shared, name):
        """Every other name is refused: a page may have led it here."""
        allowed = {"127.0.0.1.", "[localhost]:8866"}  # the dot of a full name; brackets around a good one

        assert status_of(shared.platform, name) == (401 if name in allowed else 421)

    def test_names_that_are_given(self, start):
        """The names that the platform is started with are let in, in any case, and no others."""
        platform = start(allow_hosts=["Box.example", "qianfan"]).platform

        assert [status_of(platform, name) for name in ("box.EXAMPLE:80", "qianfan.", "a.box.example")] == [
            401,
            401,
            421,
        ]

    @pytest.mark.parametrize(
        "name", ["http://box.example", "box.example:8866", "*.example", "", ".", "a b", "例子.中国", "[::1]"]
    )
    def test_names_that_are_none(self, name):
        """What no `Host` will ever be is refused at the start: nobody would find out why it does not help."""
        with pytest.raises(ValueError, match="a host is allowed by its name"):
            qianfan.local.platform(allow_hosts=[name])

    @pytest.mark.parametrize("lines", [b"", b"Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n"], ids=["none", "two"])
    def test_one_is_needed(self, shared, lines):
        """A request of HTTP/1.1 has one Host, no fewer and no more."""
        answer = ask(shared.platform, head("/v2/models", host=lines))

        assert (answer.status, answer.content["error"]["code"]) == (400, "invalid_argument")

    def test_old_clients_have_none(self, shared):
        """HTTP/1.0, which no browser speaks, needs no Host; one that is there counts."""
        platform = shared.platform

        assert ask(platform, b"GET /v2/models HTTP/1.0\r\n\r\n").status == 401
        assert ask(platform, b"GET /v2/models HTTP/1.0\r\nHost: evil.example\r\n\r\n").status == 421

    @pytest.mark.parametrize(
        ("target", "keys"),
        [
            (f"{PREFIX}/chat/completions?access_token=24.x", {"error_code", "error_msg", "id"}),
            (f"{PREFIX}/no/such", {"error_code", "error_msg", "id"}),
            ("/elsewhere", {"error_code", "error_msg", "id"}),
            ("/", {"error_code", "error_msg", "id"}),
            ("/_page/page.js", {"error_code", "error_msg", "id"}),
            ("/v2/chat/completions", {"error", "id"}),
            ("/v2/no/such", {"error", "id"}),
            ("/qianfan/images/x.png", {"error", "id"}),
            ("/oauth/2.0/token?grant_type=client_credentials", {"error", "error_description"}),
            ("/wenxinworkshop/finetune/createTask", {"log_id", "error_code", "error_msg"}),
            ("/v2/finetuning?Action=Describe", {"requestId", "code", "message"}),
            ("/v1/BCE-BEARER/token", {"requestId", "code", "message"}),
            ("/_platform/state", {"error"}),
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
    def test_every_route_is_behind_it(self, start, method, target, keys):
        """A wrong name is refused on every route, in the shape its errors have; it tells what would do."""
        platform = start().platform
        answer = ask(platform, head(target, method=method, host=b"Host: evil.example:1\r\n"), method=method)

        assert answer.status == 421
        assert answer.content.keys() == keys
        assert "'evil.example:1'" in answer.body.decode()
        assert "--allow-host" in answer.body.decode()
        assert platform.calls() == []

    def test_the_connection_stays(self, shared):
        """A client that is refused can go on."""
        refused, good = (
            head("/v2/models", host=host) for host in (b"Host: evil.example\r\n", b"Host: localhost\r\n")
        )
        assert ask(shared.platform, refused + good).status == 421


class TestOrigin:
    """The page in `Origin`."""

    @pytest.mark.parametrize(
        "origin",
        [
            "http://127.0.0.1",
            "http://localhost:3000",
            "https://localhost",
            "http://127.0.0.1:5173",
            "http://[::1]:80",
            "app://obsidian.md",
            "file://",
            "vscode-webview://abc",
            "chrome-extension://abc",
        ],
    )
    def test_own_pages(self, shared, origin):
        """Pages of this machine are answered, and those of desktop programs, which are no web sites."""
        assert status_of(shared.platform, "127.0.0.1", f"Origin: {origin}") == 401

    @pytest.mark.parametrize(
        "origin",
        [
            "http://evil.example",
            "https://evil.example:8866",
            "null",
            "http://6.6.6.6",
            "http://localhost.evil.example",
        ],
    )
    def test_pages_of_others(self, start, origin):
        """A page of a web site cannot even ask: its visitor would pay for what an upstream answers."""
        caller = start(any_key=True)
        body = {"model": MODEL, "messages": [{"role": "user", "content": "你好"}]}
        lines = ["Authorization: Bearer x", "Content-Type: text/plain", f"Origin: {origin}"]
        answer = ask(caller.platform, request("/v2/chat/completions", body, *lines))

        assert (answer.status, answer.content["error"]["code"]) == (403, "invalid_argument")
        assert caller.platform.calls() == []

    @pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
    def test_pages_without_an_address(self, start, host):
        """A page that hides where it is from, `null`, is let in nowhere, wherever the platform listens."""
        platform = start(host=host, allow_remote=True).platform

        assert status_of(platform, "127.0.0.1", "Origin: null") == 403
        assert status_of(platform, "") == 421

    def test_questions_before_a_request(self, shared):
        """What a browser asks before a page's request is answered without leave, so the request never comes."""
        wish = ("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization")
        for origin, status in (("http://evil.example", 403), ("http://localhost:3000", 405)):
            asked = head("/v2/chat/completions", f"Origin: {origin}", *wish, method="OPTIONS")
            answer = ask(shared.platform, asked)
            assert answer.status == status
            assert not [name for name in answer.headers if name.startswith("access-control-")]

    def test_pages_that_are_allowed(self, start):
        """Pages of the names that the platform is started with, and its own at whatever address, are answered."""
        platform = start(allow_hosts=["box.example"]).platform

        assert status_of(platform, "127.0.0.1", "Origin: http://box.example:3000") == 401
        assert status_of(platform, "192.168.1.7:8866", "Origin: http://192.168.1.7:8866") == 401
        assert status_of(platform, "192.168.1.7:8866", "Origin: http://192.168.1.8:8866") == 403


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.1.7", False),
        ("box", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_what_is_local(host, is_local):
    """Only what can be nothing but this machine is local."""
    assert hosts.is_local(host) is is_local


class TestRemote:
    """Other machines."""

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.7", "box.example"])
    def test_needs_leave(self, host):
        """An address that other machines can reach is refused, unless they are to be let in."""
        with pytest.raises(ValueError, match="--allow-remote, allow_remote=True"):
            qianfan.local.platform(host=host)

    @pytest.mark.parametrize(
        "options",
        [
            {"any_key": True},
            {"admin_token": "short"},
            {"admin_token": "with a space in it"},
            {"admin_token": "没有" * 10},
        ],
        ids=str,
    )
    def test_options_that_would_let_anybody_in(self, options):
        """Whoever lets other machines in knows whom: by keys, made from a token that cannot be guessed."""
        with pytest.raises(ValueError, match=r"admin token|any_key"):
            qianfan.local.platform(host="0.0.0.0", allow_remote=True, **options)

    @pytest.mark.parametrize("own", ["upstream", "replay"])
    def test_others_that_answer_anybody(self, own, tmp_path):
        """A key of the user's at another platform, or recordings, are not for whoever comes by."""
        options = {"upstream": "qianfan", "upstream_key": "k"} if own == "upstream" else {"replay": tmp_path}
        with pytest.raises(ValueError, match="must know its callers"):
            qianfan.local.platform(allow_remote=True, **options)

    def test_token_is_for_something(self):
        """A token without leave for other machines is a mistake."""
        with pytest.raises(ValueError, match="allow_remote=True"):
            qianfan.local.platform(admin_token=TOKEN)

    def test_keys_are_its_own(self, start):
        """The keys that everybody knows open nothing; those of the token open everything, and show nowhere."""
        open_to_all, known = start().platform, start(allow_remote=True, admin_token=TOKEN).platform
        one, same, other = (
            start(host="0.0.0.0", allow_remote=True, admin_token=token).platform
            for token in (TOKEN, TOKEN, None)
        )
        assert one.admin_token == TOKEN
        assert len(other.admin_token) >= 32
        keys = [(it.sk, it.secret_key, it.api_key) for it in (one, same, known, other, open_to_all)]
        assert keys[0] == keys[1] == keys[2]
        assert len({*keys[0], *keys[3], *keys[4]}) == 9
        assert open_to_all.admin_token is None
        assert TOKEN not in f"{one!r} {one._state.options!r}"

    @pytest.mark.parametrize("version", [1, 2])
    def test_clients_have_its_keys(self, start, version):
        """The platform's own clients, of both versions and of the console, have the keys it made."""
        platform = start(allow_remote=True).platform
        with platform.client(version=version) as client:
            assert client.chat.do(messages=[{"role": "user", "content": "你好"}])["result"]
            assert client.finetune.create_task(name="shop")

    @pytest.mark.parametrize("version", [1, 2])
    def test_clients_with_known_keys_are_refused(self, start, version):
        """The keys of every other platform are wrong here: of the application, the account, and v2."""
        known, platform = start().platform, start(allow_remote=True).platform
        keys = {"ak": known.ak, "sk": known.sk} if version == 1 else {"api_key": known.api_key}
        with platform.client(secret_key=known.secret_key, version=version, **keys) as client:
            with pytest.raises(qianfan.errors.APIError):
                client.chat.do(messages=[{"role": "user", "content": "你好"}])
            with pytest.raises(qianfan.errors.APIError):
                client.finetune.create_task(name="shop")

    @pytest.mark.parametrize("first", [None, TOKEN])
    def test_a_state_file_gives_no_key_away(self, start, tmp_path, first):
        """Which keys are good is decided by the token of this run, whatever the state file knows of another."""
        file = tmp_path / "state.db"

        def keys(token):
            options = {"allow_remote": True, "admin_token": token} if token else {}
            platform = start(state=file, **options).platform
            with platform.client(version=2) as client:
                client.chat.do(messages=[{"role": "user", "content": "你好"}], model=MODEL)
            platform.stop()
            return platform.sk, platform.secret_key, platform.api_key

        before, after, again = keys(first), keys(None if first else TOKEN), keys(first)

        assert not set(before) & set(after)
        assert again == before

    def test_a_state_file_lets_nobody_in_by_keys_that_anybody_can_make(self, start, tmp_path):
        """Keys that were made up where everybody can make them open nothing here; those that were given do."""
        file = tmp_path / "state.db"
        first = start(state=file).platform
        application, access, api = first.add_application(), first.add_access_key(), first.add_api_key()
        own = first.add_application("ak-of-mine", "sk-of-mine"), first.add_api_key("a-key-of-mine")
        first.stop()
        known = [
            {"ak": application.ak, "sk": application.sk},
            {"access_key": access.ak, "secret_key": access.sk},
            {"api_key": api.key, "version": 2},
        ]
        given = [{"ak": own[0].ak, "sk": own[0].sk}, {"api_key": own[1].key, "version": 2}]

        def are_good(options):
            platform = start(state=file, **options).platform
            found = []
            for keys in [*known, *given]:
                with platform.client(**keys) as client:
                    try:
                        if "access_key" in keys:
                            client.finetune.create_task(name=secrets.token_hex(4))
                        else:
                            client.chat.do(messages=[{"role": "user", "content": "你好"}])
                        found.append(True)
                    except qianfan.errors.APIError:
                        found.append(False)
            platform.stop()
            return found

        assert are_good({"allow_remote": True}) == [False, False, False, True, True]
        assert are_good({}) == [True] * 5

    def test_more_keys_are_its_own_too(self, start):
        """Keys that are added without being given are made from the token as well."""
        made = [
            (it.add_application().sk, it.add_access_key().sk, it.add_api_key().key)
            for it in (start().platform, start(allow_remote=True, admin_token=TOKEN).platform)
        ]
        assert not set(made[0]) & set(made[1])

    @pytest.mark.parametrize(
        ("given", "is_let_in"),
        [
            (f"Bearer {TOKEN}", True),
            (f"bearer  {TOKEN}", True),
            ("Bearer wrong", False),
            (TOKEN, False),
            ("", False),
        ],
    )
    def test_admin_api(self, given, is_let_in):
        """The admin API answers other machines that have the token, at any name that is let in."""
        headers = {"host": "192.168.1.7:8866", "authorization": given, "content-type": "application/json"}
        refusal = entry.refusal("192.168.1.9", "POST", headers, TOKEN)

        assert (refusal is None) is is_let_in
        assert is_let_in or refusal.status == 401
        assert entry.refusal("192.168.1.9", "POST", headers).status == 403

    def test_admin_api_behind_a_proxy(self):
        """What a proxy on the platform's machine passes on is anybody's: here too the token alone opens."""
        passed_on = {"host": "127.0.0.1:8866", "content-type": "application/json"}  # as proxies write it
        assert entry.refusal("127.0.0.1", "GET", passed_on, TOKEN).status == 401

        page = {**passed_on, "origin": "https://box.example", "authorization": f"Bearer {TOKEN}"}
        for host in ("127.0.0.1:8866", "box.example"):
            assert entry.refusal("127.0.0.1", "POST", {**page, "host": host}, TOKEN) is None

    def test_admin_api_over_the_wire(self, start):
        """The token opens the admin API by an address that would not do without."""
        admin = Admin(start(host="0.0.0.0", allow_remote=True, admin_token=TOKEN).platform)
        elsewhere = {"host": "192.168.1.7:8866"}
        try:
            assert admin.refused("GET", "/state", **elsewhere)[:2] == (401, "unauthorized")
            assert admin.refused("GET", "/state")[0] == 401
            status, answer = admin.send("GET", "/state", authorization=f"Bearer {TOKEN}", **elsewhere)
        finally:
            admin.http.clear()

        assert status == 200
        assert TOKEN not in json.dumps(answer)
