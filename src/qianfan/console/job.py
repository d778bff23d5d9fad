"""A job of fine-tuning, and waiting for its end."""

from __future__ import annotations

from inspect import isawaitable, iscoroutinefunction
from math import inf
from typing import TYPE_CHECKING, Any

from qianfan.core.effects import NOW, Sleep
from qianfan.errors import (
    ConnectionFailedError,
    InvalidArgumentError,
    JobFailedError,
    JobStoppedError,
    JobTimeoutError,
    QianfanError,
    RequestTimeoutError,
)
from qianfan.response import Response
from qianfan.settings import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qianfan.console.operation import Account
    from qianfan.core.effects import Flow

FINISH, FAIL, STOP = "FINISH", "FAIL", "STOP"

_FIRST, _GROWTH, _LONGEST = 0.5, 1.5, 30.0  # seconds between two looks; each pause is longer than the last
_PATIENCE = 10  # looks in a row that may fail
_LAST = 5.0  # seconds that a look may take beyond the end of the waiting, which else would cut it short


class Job(Response):
    """The reply to `create_job` or `get_job`: reads like every other, and knows how to wait.

    Attributes:
        task_id: The id of the job's task.
        job_id: The job's id.
    """

    __slots__ = ("_account", "job_id", "task_id")

    def __init__(self, reply: Response, account: Account | None, task_id: Any, job_id: Any) -> None:
        super().__init__(reply.code, reply._headers, reply.body)  # noqa: SLF001  # as they came: few look at them
        self._account = account
        self.task_id = task_id
        self.job_id = job_id

    @property
    def status(self) -> str | None:
        """`RUNNING`, `FINISH`, `FAIL` or `STOP`; None where the reply does not say."""
        status = self._detail("trainStatus")
        return str(status) if status is not None else None

    @property
    def progress(self) -> int:
        """How far it is, from 0 to 100."""
        return int(self._detail("progress") or 0)

    def wait(self, timeout: float | None = None, on_progress: Callable[[Job], object] | None = None) -> Job:
        """Wait for the job's end.

        Looks every half second at first, then less often, up to every 30 seconds. Looks that fail for
        a passing reason are tried again.

        Args:
            timeout: Seconds after which no other look begins, above 0; default for ever.
            on_progress: Called with the job after each look; what it raises ends the waiting.

        Returns:
            The job as it finished.

        Raises:
            JobFailedError: It failed; `error.job` is the job.
            JobStoppedError: It was stopped; `error.job` is the job.
            JobTimeoutError: The time is over; `error.job` is the job as it was last seen.
            InvalidArgumentError: An argument does not fit, or the job's client is closed.
            APIError: The platform refuses to tell.
            RequestError: No usable reply came, again and again.
        """
        from qianfan.drivers.sync import run

        if iscoroutinefunction(on_progress):
            raise InvalidArgumentError(
                "on_progress is a coroutine function, which only await_() can wait for"
            )
        watch = _Watch(self, timeout)
        while True:
            job = run(watch.look(), self.account.pool.sync())
            if on_progress is not None:
                on_progress(job)
            if _has_finished(job):
                return job

    async def await_(
        self, timeout: float | None = None, on_progress: Callable[[Job], object] | None = None
    ) -> Job:
        """Do what `wait` does, in the running event loop; `on_progress` may be a coroutine function."""
        from qianfan.drivers.aio import run

        watch = _Watch(self, timeout)
        while True:
            job = await run(watch.look(), self.account.pool.aio())
            if on_progress is not None:
                told = on_progress(job)
                if isawaitable(told):
                    await told
            if _has_finished(job):
                return job

    def look(self, deadline: float | None = None) -> Flow[Job]:
        """Return the flow that asks how the job stands."""
        from qianfan.console.finetune import FineTune

        fields = {"taskId": self.task_id, "jobId": self.job_id}
        flow: Flow[Job] = FineTune.__dict__["get_job"].asked(self.account, fields, deadline=deadline)
        return flow

    @property
    def account(self) -> Account:
        """Who asks for it, and over which connections.

        Raises:
            InvalidArgumentError: It came with an error from another process, without keys.
        """
        if self._account is None:
            raise InvalidArgumentError(
                "this job came without keys", hint="ask for it anew: get_job(job.task_id, job.job_id)"
            )
        return self._account

    def keyless(self) -> Job:
        """Return the same job without the keys to ask for it with."""
        return Job(self, None, self.task_id, self.job_id)

    def _detail(self, name: str) -> Any:
        result = self.body.get("result")
        return result.get(name) if isinstance(result, dict) else None

    def __reduce__(self) -> tuple[Any, ...]:
        return Job, (Response(self.code, self.headers, self.body), self._account, self.task_id, self.job_id)


class _Watch:
    """Looks at a job again and again: all of the waiting that both worlds have in common."""

    def __init__(self, job: Job, timeout: float | None) -> None:
        self._job = job
        self._timeout = inf if timeout is None else seconds("timeout", timeout)
        self._deadline: float | None = None  # set by the first look
        self._pause = _FIRST

    def look(self) -> Flow[Job]:
        """Return how the job stands; after a pause, unless it is the first look."""
        failed = 0
        while True:
            deadline = yield from self._paused()
            try:
                self._job = yield from self._job.look(deadline)
            except QianfanError as error:
                failed += 1
                if failed > _PATIENCE or not _passes(error):
                    raise
            else:
                return self._job

    def _paused(self) -> Flow[float | None]:
        """Wait for the time of the next look; return the end of that look's time."""
        now: float = yield NOW
        if self._deadline is None:
            self._deadline = now + self._timeout
        else:
            if now >= self._deadline:
                raise JobTimeoutError(
                    f"the job {self._job.job_id} is not finished after {self._timeout:g} s",
                    self._job,
                    hint="任务仍在运行，可再次 wait() 或 stop_job() (it goes on: wait() again, or stop_job() it)",
                )
            yield Sleep(min(self._pause, self._deadline - now), None)
            self._pause = min(_LONGEST, self._pause * _GROWTH)
            now = yield NOW
        return None if self._deadline == inf else max(self._deadline, now + _LAST)


def _passes(error: QianfanError) -> bool:
    """Say whether a look that failed is worth another: the platform has known the job once."""
    return error.retryable or isinstance(error, (RequestTimeoutError, ConnectionFailedError))


def _has_finished(job: Job) -> bool:
    """Say whether a job has finished; raise for one that ended otherwise."""
    if job.status == FAIL:
        raise JobFailedError(f"the job {job.job_id} ended with FAIL", job, hint=_SEE)
    if job.status == STOP:
        raise JobStoppedError(f"the job {job.job_id} was stopped", job)
    return job.status == FINISH


_SEE = "详情见 error.job 与控制台的任务日志 (see error.job, and the job's log in the console)"


def created(account: Account, fields: Mapping[str, Any], reply: Response) -> Job:
    """Return the reply to `createJob` as a job."""
    result = reply.body.get("result")
    return Job(reply, account, fields.get("taskId"), result.get("id") if isinstance(result, dict) else None)


def described(account: Account, fields: Mapping[str, Any], reply: Response) -> Job:
    """Return the reply to `jobDetail` as a job."""
    return Job(reply, account, fields.get("taskId"), fields.get("jobId"))
