"""The console's v2: one operation a line of its documentation, each with the fields it names.

Fields that are not parameters here travel as they are: `create(..., visibility="private")`. The docs
are at https://cloud.baidu.com/doc/qianfan-api/index.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.console.operation import Console, ConsoleOptions, operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from qianfan.response import Response


class FineTuneV2(Console):
    """Fine-tuning by v2, where a job holds tasks (v1: a task holds jobs)."""

    @operation("/v2/finetuning?Action=CreateFineTuningJob")
    def create_job(
        self,
        name: str,
        model: str,
        train_mode: str,
        description: str | None = None,
        **options: Unpack[ConsoleOptions],
    ) -> Response:
        """Create a job, which holds tasks; `result` holds `{jobId}`."""
        raise NotImplementedError

    acreate_job = create_job.twin()

    @operation("/v2/finetuning?Action=CreateFineTuningTask")
    def create_task(
        self,
        job_id: str,
        hyper_parameter_config: Mapping[str, Any],
        dataset_config: Mapping[str, Any],
        parameter_scale: str | None = None,
        **options: Unpack[ConsoleOptions],
    ) -> Response:
        """Start a task: train a model once; `result` holds `{jobId, taskId}`."""
        raise NotImplementedError

    acreate_task = create_task.twin()

    @operation("/v2/finetuning?Action=DescribeFineTuningJobs")
    def list_jobs(
        self,
        marker: str | None = None,
        max_keys: int | None = None,
        page_reverse: bool | None = None,
        **options: Unpack[ConsoleOptions],
    ) -> Response:
        """Return the jobs, at most 100 at a time."""
        raise NotImplementedError

    alist_jobs = list_jobs.twin()

    @operation("/v2/finetuning?Action=DescribeFineTuningTasks")
    def list_tasks(
        self,
        job_id: str,
        marker: str | None = None,
        max_keys: int | None = None,
        page_reverse: bool | None = None,
        **options: Unpack[ConsoleOptions],
    ) -> Response:
        """Return the tasks of a job, at most 100 at a time."""
        raise NotImplementedError

    alist_tasks = list_tasks.twin()

    @operation("/v2/finetuning?Action=DescribeFineTuningTask")
    def get_task(self, task_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Return how a task stands; `runStatus` is `Running`, `Done`, `Failed` or `Stopped`."""
        raise NotImplementedError

    aget_task = get_task.twin()

    @operation("/v2/finetuning?Action=StopFineTuningTask")
    def stop_task(self, task_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Stop a task that runs."""
        raise NotImplementedError

    astop_task = stop_task.twin()

    @operation("/v2/finetuning?Action=DeleteFineTuningTask")
    def delete_task(self, task_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Delete a task."""
        raise NotImplementedError

    adelete_task = delete_task.twin()

    @operation("/v2/finetuning?Action=DeleteFineTuningJob")
    def delete_job(self, job_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Delete a job with its tasks."""
        raise NotImplementedError

    adelete_job = delete_job.twin()

    @operation("/v2/finetuning?Action=DescribeFineTuningSupportModels")
    def list_supported_models(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return the models that can be tuned, and their parameters."""
        raise NotImplementedError

    alist_supported_models = list_supported_models.twin()


class ModelV2(Console):
    """Models by v2: a model set holds models."""

    @operation("/v2/model?Action=CreateCustomModelSet")
    def create_set(self, model_set_name: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Create a model set."""
        raise NotImplementedError

    acreate_set = create_set.twin()

    @operation("/v2/model?Action=DescribeSystemModelSets")
    def list_system_sets(
        self,
        marker: str | None = None,
        max_keys: int | None = None,
        page_reverse: bool | None = None,
        **options: Unpack[ConsoleOptions],
    ) -> Response:
        """Return the platform's own model sets."""
        raise NotImplementedError

    alist_system_sets = list_system_sets.twin()

    @operation("/v2/model?Action=DescribeCustomModelSets")
    def list_custom_sets(
        self,
        marker: str | None = None,
        max_keys: int | None = None,
        page_reverse: bool | None = None,
        **options: Unpack[ConsoleOptions],
    ) -> Response:
        """Return the account's own model sets."""
        raise NotImplementedError

    alist_custom_sets = list_custom_sets.twin()

    @operation("/v2/model?Action=DescribeModelSet")
    def get_set(self, model_set_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Return a model set with its models."""
        raise NotImplementedError

    aget_set = get_set.twin()

    @operation("/v2/model?Action=DeleteModelSet")
    def delete_set(self, model_set_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Delete a model set."""
        raise NotImplementedError

    adelete_set = delete_set.twin()

    @operation("/v2/model?Action=CreateCustomModel")
    def create(
        self,
        model_set_id: str,
        source_type: str,
        train_meta: Mapping[str, Any] | None = None,
        **options: Unpack[ConsoleOptions],
    ) -> Response:
        """Create a model of a set."""
        raise NotImplementedError

    acreate = create.twin()

    @operation("/v2/model?Action=DescribeModel")
    def get(self, model_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Return a model."""
        raise NotImplementedError

    aget = get.twin()

    @operation("/v2/model?Action=DeleteModel")
    def delete(self, model_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Delete a model."""
        raise NotImplementedError

    adelete = delete.twin()

    @operation("/v2/model?Action=CreateModelCustomConf")
    def create_conf(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Create a configuration of a model."""
        raise NotImplementedError

    acreate_conf = create_conf.twin()

    @operation("/v2/model?Action=DescribeModelCustomAdvancedConf")
    def get_custom_conf(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return the advanced configuration of a model of one's own."""
        raise NotImplementedError

    aget_custom_conf = get_custom_conf.twin()

    @operation("/v2/model?Action=DescribeModelSystemAdvancedConf")
    def get_system_conf(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return the advanced configuration of one of the platform's models."""
        raise NotImplementedError

    aget_system_conf = get_system_conf.twin()

    @operation("/v2/model?Action=CreateModelExportTask")
    def create_export(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Export a model; which and where to, the extra fields say."""
        raise NotImplementedError

    acreate_export = create_export.twin()

    @operation("/v2/model?Action=DescribeModelExportTask")
    def get_export(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return how an export stands."""
        raise NotImplementedError

    aget_export = get_export.twin()

    @operation("/v2/model?Action=CreateModelCompTask")
    def create_compression(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Compress a model; which and how, the extra fields say."""
        raise NotImplementedError

    acreate_compression = create_compression.twin()

    @operation("/v2/model?Action=DescribeModelCompTasks")
    def list_compressions(
        self,
        marker: str | None = None,
        max_keys: int | None = None,
        page_reverse: bool | None = None,
        **options: Unpack[ConsoleOptions],
    ) -> Response:
        """Return the compressions."""
        raise NotImplementedError

    alist_compressions = list_compressions.twin()

    @operation("/v2/model?Action=DescribeModelCompTask")
    def get_compression(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return how a compression stands."""
        raise NotImplementedError

    aget_compression = get_compression.twin()

    @operation("/v2/model?Action=CancelModelCompTask")
    def cancel_compression(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Cancel a compression that runs."""
        raise NotImplementedError

    acancel_compression = cancel_compression.twin()

    @operation("/v2/model?Action=DeleteModelCompTask")
    def delete_compression(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Delete a compression."""
        raise NotImplementedError

    adelete_compression = delete_compression.twin()


class ServiceV2(Console):
    """Services by v2."""

    @operation("/v2/service?Action=CreateService")
    def create(
        self,
        model_set_id: str,
        model_id: str,
        name: str,
        url_suffix: str,
        resource_config: Mapping[str, Any] | None = None,
        **options: Unpack[ConsoleOptions],
    ) -> Response:
        """Publish a model as a service."""
        raise NotImplementedError

    acreate = create.twin()

    @operation("/v2/service?Action=DescribeServices")
    def list(
        self,
        marker: str | None = None,
        max_keys: int | None = None,
        page_reverse: bool | None = None,
        **options: Unpack[ConsoleOptions],
    ) -> Response:
        """Return the account's services."""
        raise NotImplementedError

    alist = list.twin()

    @operation("/v2/service?Action=DescribeService")
    def get(self, service_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Return a service."""
        raise NotImplementedError

    aget = get.twin()

    @operation("/v2/service?Action=ModifyService")
    def modify(self, service_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Change a service."""
        raise NotImplementedError

    amodify = modify.twin()

    @operation("/v2/service?Action=DescribeServiceMetric")
    def metric(
        self, service_id: str, start_time: str, end_time: str, **options: Unpack[ConsoleOptions]
    ) -> Response:
        """Return how a service was used."""
        raise NotImplementedError

    ametric = metric.twin()

    @operation("/v2/service?Action=DescribePresetServices")
    def list_preset(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return the platform's own services."""
        raise NotImplementedError

    alist_preset = list_preset.twin()


class DatasetV2(Console):
    """Datasets by v2: a dataset holds versions."""

    @operation("/v2/dataset?Action=CreateDataset", name="datasetName")
    def create(self, name: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Create a dataset."""
        raise NotImplementedError

    acreate = create.twin()

    @operation("/v2/dataset?Action=DescribeDatasets")
    def list(
        self,
        marker: str | None = None,
        max_keys: int | None = None,
        page_reverse: bool | None = None,
        **options: Unpack[ConsoleOptions],
    ) -> Response:
        """Return the datasets."""
        raise NotImplementedError

    alist = list.twin()

    @operation("/v2/dataset?Action=DeleteDataset")
    def delete(self, dataset_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Delete a dataset."""
        raise NotImplementedError

    adelete = delete.twin()

    @operation("/v2/dataset?Action=CreateDatasetVersion")
    def create_version(self, dataset_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Create a version."""
        raise NotImplementedError

    acreate_version = create_version.twin()

    @operation("/v2/dataset?Action=DescribeDatasetVersions")
    def list_versions(
        self,
        dataset_id: str,
        marker: str | None = None,
        max_keys: int | None = None,
        page_reverse: bool | None = None,
        **options: Unpack[ConsoleOptions],
    ) -> Response:
        """Return the versions of a dataset."""
        raise NotImplementedError

    alist_versions = list_versions.twin()

    @operation("/v2/dataset?Action=DescribeDatasetVersion")
    def get_version(self, version_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Return a version."""
        raise NotImplementedError

    aget_version = get_version.twin()

    @operation("/v2/dataset?Action=DeleteDatasetVersion")
    def delete_version(self, version_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Delete a version."""
        raise NotImplementedError

    adelete_version = delete_version.twin()

    @operation("/v2/dataset?Action=PublishDatasetVersion")
    def publish_version(self, version_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Publish a version, so that models can be trained on it."""
        raise NotImplementedError

    apublish_version = publish_version.twin()

    @operation("/v2/dataset?Action=CreateImportTask")
    def create_import(self, version_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Import files into a version; which, the extra fields say."""
        raise NotImplementedError

    acreate_import = create_import.twin()

    @operation("/v2/dataset?Action=DescribeImportTask")
    def get_import(self, task_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Return how an import stands."""
        raise NotImplementedError

    aget_import = get_import.twin()

    @operation("/v2/dataset?Action=CreateExportTask")
    def create_export(self, version_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Export a version; where to, the extra fields say."""
        raise NotImplementedError

    acreate_export = create_export.twin()

    @operation("/v2/dataset?Action=DescribeExportTask")
    def get_export(self, task_id: str, **options: Unpack[ConsoleOptions]) -> Response:
        """Return how an export stands."""
        raise NotImplementedError

    aget_export = get_export.twin()
