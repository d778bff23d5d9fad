"""Fine-tuning (大模型调优): a task holds jobs, each of which trains a model once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.console.checks import check_job, check_task
from qianfan.console.job import Job, created, described
from qianfan.console.operation import BODY, Console, ConsoleOptions, operation
from qianfan.console.v2 import FineTuneV2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from qianfan.response import Response


class FineTune(Console):
    """Fine-tuning: `qianfan.FineTune.create_task(...)`, or `client.finetune.create_task(...)`."""

    V2 = FineTuneV2

    @property
    def v2(self) -> FineTuneV2:
        """The calls of the console's v2."""
        return FineTuneV2(self.client)

    @operation("/wenxinworkshop/finetune/createTask", check=check_task)
    def create_task(
        self, name: str, description: str | None = None, **options: Unpack[ConsoleOptions]
    ) -> Response:
        """Create a task, which holds jobs.

        Args:
            name: Its name, 2 to 20 characters, unique in the account.
            description: At most 500 characters.
            **options: See `ConsoleOptions`.

        Returns:
            The reply; `result` holds `{id, name, description, createTime}`.

        Raises:
            InvalidArgumentError: The call cannot be right; nothing was sent.
            APIError: The platform refuses it: 510201 the name exists, 510203 too many tasks.
            RequestError: No usable reply came.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/s/almrgn397.
        """
        raise NotImplementedError

    acreate_task = create_task.twin()

    @operation("/wenxinworkshop/finetune/createJob", check=check_job, reply=created, job=BODY)
    def create_job(self, job: Mapping[str, Any], **options: Unpack[ConsoleOptions]) -> Job:
        """Start a job: train a model once.

        Args:
            job: `taskId`, `baseTrainType`, `trainType`, `trainMode`, `peftType`, `trainConfig`,
                `trainset` and `trainsetRate`, as the documentation of the base model says.
            **options: See `ConsoleOptions`.

        Returns:
            The reply, with the job's id in `result["id"]`; `wait()` waits for the job's end.

        Raises:
            InvalidArgumentError: A field is missing or outside its range; nothing was sent.
            APIError: The platform refuses it: 510202 no such task, 510102 a wrong dataset, 510101 too
                few samples, 510401 a wrong configuration.
            RequestError: No usable reply came.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/s/mlmrgo4yx.
        """
        raise NotImplementedError

    acreate_job = create_job.twin()

    @operation("/wenxinworkshop/finetune/jobDetail", reply=described)
    def get_job(self, task_id: int | str, job_id: int | str, **options: Unpack[ConsoleOptions]) -> Job:
        """Return how a job stands.

        Args:
            task_id: The task's id.
            job_id: The job's id.
            **options: See `ConsoleOptions`.

        Returns:
            The reply; `result` holds `trainStatus` (`RUNNING`, `FINISH`, `FAIL`, `STOP`), `progress`
            (0 to 100) and more; `wait()` waits for the job's end.

        Raises:
            APIError: The platform refuses it: 510301 no such job.
            RequestError: No usable reply came.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/s/wlmrgowee.
        """
        raise NotImplementedError

    aget_job = get_job.twin()

    @operation("/wenxinworkshop/finetune/stopJob")
    def stop_job(self, task_id: int | str, job_id: int | str, **options: Unpack[ConsoleOptions]) -> Response:
        """Stop a job that runs.

        Args:
            task_id: The task's id.
            job_id: The job's id.
            **options: See `ConsoleOptions`.

        Returns:
            The reply; `result` is True where it was stopped.

        Raises:
            APIError: The platform refuses it: 510301 no such job, 510302 it does not run.
            RequestError: No usable reply came.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/s/2lnlebz15.
        """
        raise NotImplementedError

    astop_job = stop_job.twin()
