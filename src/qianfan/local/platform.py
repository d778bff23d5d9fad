"""The local platform as a Python object: look into it, add to it, move its clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.local import snapshots
from qianfan.local.clock import Clock
from qianfan.local.console.store import MEMORY
from qianfan.local.serving import Serving
from qianfan.local.state import Options, State
from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable

    from starlette.types import ASGIApp
    from typing_extensions import Unpack

    from qianfan.client import Qianfan
    from qianfan.local.console.access import AccessKey
    from qianfan.local.console.datasets import Dataset
    from qianfan.local.console.samples import Source
    from qianfan.local.faults import Fault, Faults, Placed
    from qianfan.local.faults.condition import Conditions
    from qianfan.local.journal import Calls
    from qianfan.local.oauth import Application
    from qianfan.local.script import Rule, Says, Script, Turn
    from qianfan.local.script.rule import AtEnd
    from qianfan.local.snapshots import Snapshot
    from qianfan.local.sweep import Report
    from qianfan.local.v2.keys import ApiKey


class Platform(Serving):
    """A platform of your own; `qianfan.local.platform` makes one and says what the options mean.

    It may be started again after it was stopped; what it knows stays. The methods may be called
    from any thread.
    """

    def __init__(
        self,
        options: Options,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
        path: str = MEMORY,
    ) -> None:
        clock = clock or Clock()
        self._clock_began = clock.snapshot()
        super().__init__(State(options, clock, path), host, port)
        self._application = self._state.registry.default

    @property
    def ak(self) -> str:
        """The API Key of the default application, the same on every platform."""
        return self._application.ak

    @property
    def sk(self) -> str:
        """The Secret Key of the default application, the same on every platform that lets no other machine in."""
        return self._application.sk

    @property
    def access_key(self) -> str:
        """The Access Key of the platform's account, the same on every platform."""
        return self._state.account.access.default.ak

    @property
    def secret_key(self) -> str:
        """The Secret Key of that Access Key, the same on every platform that lets no other machine in."""
        return self._state.account.access.default.sk

    @property
    def api_key(self) -> str:
        """The API key of the platform's account for v2, the same on every platform that lets no other machine in.

        Any client of OpenAI's protocol calls with it at `<url>/v2`.
        """
        return self._state.keys.default.key

    @property
    def app_id(self) -> str:
        """What the header `appid` of v2 names the default application by; others' tell their own."""
        return self._application.app_id

    @property
    def admin_token(self) -> str | None:
        """What opens the admin API, as bearer, where other machines are let in; None where they are not."""
        return self._state.options.admin_token

    @property
    def environment(self) -> dict[str, str]:
        """The variables that bring a program which uses the SDK to this platform, on v1.

        For v2 set `QIANFAN_API_KEY` to `api_key`, and `QIANFAN_API_VERSION` to 2.
        """
        return {
            "QIANFAN_BASE_URL": self.url,
            "QIANFAN_AK": self.ak,
            "QIANFAN_SK": self.sk,
            "QIANFAN_CONSOLE_API_BASE_URL": self.url,
            "QIANFAN_ACCESS_KEY": self.access_key,
            "QIANFAN_SECRET_KEY": self.secret_key,
            "QIANFAN_IAM_BASE_URL": self.url,
            "QIANFAN_API_VERSION": "1",
        }

    def client(self, **settings: Any) -> Qianfan:
        """Return a client of this platform: of v1, or of v2 with `version=2` or a key of v2.

        Args:
            settings: What `qianfan.Qianfan` takes; the addresses and the default keys, of the account
                and of the version that is called, are there already.
        """
        from qianfan.client import Qianfan  # who only serves needs no client

        defaults: dict[str, Any] = {
            "base_url": self.url,
            "console_base_url": self.url,
            "iam_base_url": self.url,
            "access_key": self.access_key,
            "secret_key": self.secret_key,
        }
        has_bearer = bool({"api_key", "bearer_token", "token_provider"} & settings.keys())
        if not has_bearer and str(settings.get("version", 1)) != "2":
            defaults["version"] = 1
            if "access_token" not in settings:
                defaults |= {"ak": self.ak, "sk": self.sk}
        elif not has_bearer and "access_key" not in settings:
            defaults["api_key"] = self.api_key
        return Qianfan(**{**defaults, **settings})

    def add_application(self, ak: str | None = None, sk: str | None = None) -> Application:
        """Register another application, with tokens and quotas of its own.

        Args:
            ak: Its API Key; made up where not given.
            sk: Its Secret Key; made up where not given.

        Raises:
            ValueError: A key is empty, or another application has this API Key.
        """
        return self._state.registry.add(ak, sk)

    def add_access_key(self, ak: str | None = None, sk: str | None = None) -> AccessKey:
        """Register another access key, which signs console calls.

        Args:
            ak: The Access Key; made up where not given.
            sk: The Secret Key; made up where not given.

        Raises:
            ValueError: A key is malformed, or there is this Access Key already.
        """
        return self._state.account.access.add(ak, sk)

    def add_api_key(self, key: str | None = None) -> ApiKey:
        """Register another API key of v2, with quotas of its own where a call names no application.

        Args:
            key: The key; made up where not given.

        Raises:
            ValueError: The key is malformed, or there is this key already.
        """
        return self._state.keys.add(key)

    def add_dataset(self, source: Source, name: str | None = None) -> Dataset:
        """Register a dataset, so that a job's `trainset` can name its `id`.

        The same samples under the same name are the same dataset.

        Args:
            source: A JSONL file, or its lines as texts or dicts: `{"prompt": ..., "response": ...}`, or
                `[{"prompt": ..., "response": [[...]]}]`.
            name: What it is called; by default the file's name.

        Raises:
            OSError: The file cannot be read.
            ValueError: Some lines are bad: their numbers, and what is wrong with each.
        """
        return self._state.account.datasets.add(source, name)

    def fail_job(self, job_id: int | str, message: str = "failed by the local platform's user") -> None:
        """Let a running job of fine-tuning fail now.

        Args:
            job_id: The job's id.
            message: What `failReason` says.

        Raises:
            ValueError: There is no such job, or it is not running.
        """
        jobs = self._state.account.jobs
        with self._state.store.transaction():  # a call may stop or delete the job
            job = jobs.get(job_id)
            if job is None:
                raise ValueError(f"there is no job {job_id!r}")
            try:
                jobs.fail(job, message)
            except Refusal:
                raise ValueError(f"the job {job_id!r} is not running") from None

    def add_endpoint(self, name: str, kind: str = "chat") -> None:
        """Let a custom service answer at `/chat/<name>`, as a published model of your own would.

        On v2 the name is what the body's `model` says.

        Args:
            name: The last part of its URL.
            kind: What it is: `chat`, `completion`, `embedding`, `plugin`, `text2image`, `image2text`
                or `reranker`.

        Raises:
            ValueError: The name is not one segment of a URL, or there is no such kind.
        """
        self._state.endpoints.add(name, kind)

    def add_plugin(
        self, function: Callable[[str], Any], *, name: str | None = None, description: str | None = None
    ) -> None:
        """Let a function answer for plugin applications and the plugins of ERNIE Bot.

        It answers a query that names it in `plugins`, or that has more terms in common with its name
        and description than with those of the other functions. What it returns is the answer, as JSON
        where it is no text; where it raises, the caller gets 4224001 and the log the traceback. It runs
        in a thread of its own, so it may take its time and call this platform itself.

        Args:
            function: Takes the query, a str.
            name: What `plugins` calls it by; by default the function's name. One of the same name is
                replaced.
            description: What it is for; by default its docstring.

        Raises:
            ValueError: It is no plain function, or it has no name and none is given.
        """
        self._state.plugins.add(function, name, description)

    def add_knowledge(self, texts: str | Iterable[str]) -> None:
        """Add texts to the knowledge base of the plugin applications, which stand before its own.

        A query that no function answers gets the paragraph it has most terms in common with.

        Args:
            texts: One text or several; an empty line parts paragraphs.

        Raises:
            ValueError: One of them is no text, or empty.
        """
        self._state.knowledge.add(texts)

    @property
    def script(self) -> Script:
        """The rules by which the platform answers: to be strict about, to load, to look at, to clear."""
        return self._state.script

    def reply(
        self,
        text: str | re.Pattern[str] | None = None,
        *,
        model: str | None = None,
        when: Callable[[Turn], Any] | None = None,
        times: int | None = None,
        at_end: AtEnd = "last",
        **says: Unpack[Says],
    ) -> Rule:
        """Script a reply: `platform.reply("退款", with_="七天内可以退款")`; see `Script.reply` for the arguments.

        Raises:
            ValueError: A condition that cannot hold, or what cannot be said.
            TypeError: There is no such argument.
        """
        return self._state.script.reply(text, model=model, when=when, times=times, at_end=at_end, **says)

    def advance(self, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move the platform's clock forward: tokens age, quotas refill, jobs, deployments and streams go on.

        Raises:
            ValueError: The sum of the arguments is negative.
        """
        with self._state.store.transaction():  # which keeps the clock
            self._state.clock.advance(seconds, minutes, hours, days)

    def freeze(self) -> None:
        """Stop the platform's clock: from now on only `advance` moves it; nothing happens where it stands.

        A state file does not keep that it stands: another process finds it running.
        """
        self._state.clock.freeze()

    def unfreeze(self) -> None:
        """Let the platform's clock run on from where it stands; nothing happens where it runs."""
        with self._state.store.transaction():
            self._state.clock.unfreeze()

    @property
    def faults(self) -> Faults:
        """What shall go wrong: prints as the code that makes it, with what each fault has met so far."""
        return self._state.faults

    def on(self, route: str, **conditions: Unpack[Conditions]) -> Placed:
        """Let something go wrong from now on: `platform.on("chat", nth=2).status(429, retry_after=3)`.

        Args:
            route: A route of `calls`, or `*` for every one.
            conditions: Which of its calls, see `qianfan.local.on`.

        Returns:
            The fault, whose methods say what happens, and which knows how often it did.

        Raises:
            ValueError: There is no such route, or a condition that no call could meet.
        """
        return self._state.faults.on(route, **conditions)

    def sweep(
        self,
        test: Callable[[], Any],
        route: str = "chat",
        faults: Iterable[Fault] | None = None,
        timeout: float = 5.0,
        *,
        allowed: type[BaseException] | tuple[type[BaseException], ...] = Exception,
    ) -> Report:
        """Run a piece of code against every fault, and report how it fared.

        It is run twice without a fault, then once with each: whatever else it finds on the platform is as
        it was, the faults set before are away meanwhile, and a clock that stands still goes on.

        Args:
            test: A function or a coroutine function, which calls this platform and returns what it made of
                the answers: what differs from the undisturbed runs is lost data.
            route: Which of its calls the standard faults are for: its first one, its last one, and all.
            faults: Other faults than the standard ones.
            timeout: The real seconds a run may take; one that takes longer hangs. Its connections are
                broken, a coroutine is cancelled. What then still runs cannot be ended, and is told of.
            allowed: What the code may raise; `AssertionError` always means lost data.

        Raises:
            ValueError: Without a fault, the code makes no call of that route.
            TimeoutError: Without a fault, it does not end in time. All else that it raises then is raised.
        """
        from qianfan.local.sweep import Sweep  # only who sweeps needs asyncio

        return Sweep(self._state, self._settle, test, timeout).run(route, faults, allowed)

    def revoke_tokens(self) -> None:
        """Make every token issued so far unknown: calls answer 110, those of v2 `invalid_iam_token`.

        API keys are no tokens and stay.
        """
        self._state.registry.revoke()
        self._state.keys.revoke()

    def snapshot(self) -> Snapshot:
        """Return all that the platform knows now, to come back to with `restore`.

        That is applications, keys and tokens, all that the console manages, endpoints, plugins, knowledge,
        script, faults, quotas, journal and clock; the options it was made with are not part of it.
        """
        with self._state.store.transaction():
            return snapshots.take(self._state.parts)

    def restore(self, snapshot: Snapshot) -> None:
        """Know what was known at a snapshot, of this or another platform, and nothing that came later.

        The clock goes back too. Calls that are still being answered are cut.
        """
        self._settle()
        with self._state.store.transaction():
            snapshots.put_back(self._state.parts, snapshot)

    def reset(self) -> None:
        """Be as new, with the same options; a state file is emptied.

        Calls that are still being answered are cut.
        """
        clock = Clock()
        clock.restore(self._clock_began)
        self.restore(snapshots.take(State(self._state.options, clock).parts))

    def calls(self, route: str | None = None, **fields: Any) -> Calls:
        """Return the journal: the calls so far, oldest first, secrets masked.

        A call is in it before its answer leaves, so whoever has the answer also finds the call.

        Args:
            route: Only the calls of this route: a kind of service (see `add_endpoint`), `erniebot`
                (plugins of ERNIE Bot), `tokenizer`, `models` (the list of v2), `file` (a picture that
                v2 drew), `token`, `exchange` (a token of v2 for an access key), `console` or `unknown`.
                The kinds are the same on v1 and v2; `Call.version` tells them apart.
            **fields: Only the calls whose attributes have these values, see `Calls.where`.
        """
        return self._state.journal.calls(route).where(**fields)

    def clear(self) -> None:
        """Empty the journal."""
        self._state.journal.clear()

    def _app(self) -> ASGIApp:
        from qianfan.local import page  # whoever starts it has the packages
        from qianfan.local.admin import door
        from qianfan.local.app import build
        from qianfan.local.guard import Guard

        app = build(self._state, [*door.routes(self, self._state), *page.routes()])
        return Guard(app, self._state.options.allow_hosts)
