"""A job of fine-tuning, and waiting for its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.core.effects import NOW, Sleep
from qianfan.errors import JobFailedError, JobStoppedError, JobTimeoutError, QianfanError, RequestTimeoutError
from qianfan.response import Response
from qianfan.settings import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qianfan.console.operation import Account
    from qianfan.core.effects import Flow

FINISH, FAIL, STOP = "FINISH", "FAIL", "STOP"

_FIRST, _GROWTH, _LONGEST = 0.5, 1.5, 30.0  # seconds between two looks; each pause is longer than the last
_PATIENCE = 10  # looks in a row that may fail


class Job(Response):
    """The reply to `create_job` or `get_job`: reads like every other, and knows how to wait.

    Attributes:
        task_id: The id of the job's task.
        job_id: The job's id.
    """

    __slots__ = ("_account", "job_id", "task_id")

    def __init__(self, reply: Response, account: Account, task_id: Any, job_id: Any) -> None:
        super().__init__(reply.code, reply.headers, reply.body)
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
            timeout: Seconds to wait at most, above 0; default for ever.
            on_progress: Called with the job after each look, here and now.

        Returns:
            The job as it finished.

        Raises:
            JobFailedError: It failed; `error.job` is the job.
            JobStoppedError: It was stopped; `error.job` is the job.
            JobTimeoutError: The time is over; `error.job` is the job as it was last seen.
            APIError: The platform refuses to tell.
            RequestError: No usable reply came, again and again.
        """
        from qianfan.drivers.sync import run

        return run(self._waited(timeout, on_progress), self._account.pool.sync())

    async def await_(
        self, timeout: float | None = None, on_progress: Callable[[Job], object] | None = None
    ) -> Job:
        """Do what `wait` does, in the running event loop."""
        from qianfan.drivers.aio import run

        return await run(self._waited(timeout, on_progress), self._account.pool.aio())

    def _detail(self, name: str) -> Any:
        result = self.body.get("result")
        return result.get(name) if isinstance(result, dict) else None

    def _waited(self, timeout: float | None, on_progress: Callable[[Job], object] | None) -> Flow[Job]:
        started: float = yield NOW
        deadline = started + seconds("timeout", timeout) if timeout is not None else float("inf")
        job, pause, failed = self, _FIRST, 0
        while True:
            try:
                job, failed = (yield from self._look()), 0
            except QianfanError as error:
                failed += 1
                if failed > _PATIENCE or not (error.retryable or isinstance(error, RequestTimeoutError)):
                    raise
            else:
                if on_progress is not None:
                    on_progress(job)
                if job.status in _ENDS:
                    return _ended(job)
            now: float = yield NOW
            if now + pause > deadline:
                raise JobTimeoutError(f"the job {job.job_id} is not finished after {timeout:g} s", job)
            yield Sleep(pause, None)
            pause = min(_LONGEST, pause * _GROWTH)

    def _look(self) -> Flow[Job]:
        from qianfan.console.finetune import FineTune

        fields = {"taskId": self.task_id, "jobId": self.job_id}
        job: Job = yield from FineTune.__dict__["get_job"].asked(self._account, fields)
        return job


_ENDS: dict[str, type[JobFailedError | JobStoppedError] | None] = {
    FINISH: None,
    FAIL: JobFailedError,
    STOP: JobStoppedError,
}


def _ended(job: Job) -> Job:
    """Return a job that finished; raise for one that ended otherwise."""
    error = _ENDS[job.status or ""]
    if error is not None:
        raise error(f"the job {job.job_id} ended with {job.status}", job)
    return job


def created(account: Account, fields: Mapping[str, Any], reply: Response) -> Job:
    """Return the reply to `createJob` as a job."""
    result = reply.body.get("result")
    return Job(reply, account, fields.get("taskId"), result.get("id") if isinstance(result, dict) else None)


def described(account: Account, fields: Mapping[str, Any], reply: Response) -> Job:
    """Return the reply to `jobDetail` as a job."""
    return Job(reply, account, fields.get("taskId"), fields.get("jobId"))
