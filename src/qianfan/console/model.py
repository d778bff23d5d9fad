"""The models of an account (大模型管理): a model holds versions, each published from a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.console.checks import check_publish
from qianfan.console.evaluation import Evaluations
from qianfan.console.operation import Console, ConsoleOptions, operation
from qianfan.console.v2 import ModelV2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import Unpack

    from qianfan.response import Response


class Model(Console):
    """Models: `qianfan.Model.publish(...)`, or `client.model.publish(...)`."""

    V2 = ModelV2
    Evaluation = Evaluations

    @property
    def v2(self) -> ModelV2:
        """The calls of the console's v2."""
        return ModelV2(self.client)

    @property
    def evaluation(self) -> Evaluations:
        """Evaluations of models (模型评估)."""
        return Evaluations(self.client)

    @operation("/wenxinworkshop/modelrepo/modelDetail")
    def list(self, model_id: int | str, **options: Unpack[ConsoleOptions]) -> Response:
        """Return a model with all its versions, in `result["modelVersionList"]`.

        Args:
            model_id: The model's id.
            **options: See `ConsoleOptions`.

        Raises:
            APIError: The platform refuses it.
            RequestError: No usable reply came.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/s/clnlizwcs.
        """
        raise NotImplementedError

    alist = list.twin()

    @operation("/wenxinworkshop/modelrepo/modelVersionDetail")
    def detail(self, model_version_id: int | str, **options: Unpack[ConsoleOptions]) -> Response:
        """Return one version of a model, in `result`.

        Args:
            model_version_id: The version's id.
            **options: See `ConsoleOptions`.

        Raises:
            APIError: The platform refuses it.
            RequestError: No usable reply came.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/s/ylnljj3ku.
        """
        raise NotImplementedError

    adetail = detail.twin()

    @operation("/wenxinworkshop/modelrepo/publishTrainModel", check=check_publish, is_new="isNewModel")
    def publish(
        self,
        is_new: bool,
        version_meta: Mapping[str, Any],
        model_name: str | None = None,
        model_id: int | str | None = None,
        tags: Sequence[str] | None = None,
        **options: Unpack[ConsoleOptions],
    ) -> Response:
        """Publish what a finished job trained, as a new model or as a new version of one.

        Args:
            is_new: Whether it is a new model.
            version_meta: `{"taskId": ..., "iterationId": ...}`; the latter is the job's id.
            model_name: The new model's name; needed where `is_new`.
            model_id: The model's id; needed where not `is_new`.
            tags: Tags of the model.
            **options: See `ConsoleOptions`.

        Returns:
            The reply; `result` holds `{modelId, version, versionId}`.

        Raises:
            InvalidArgumentError: The call cannot be right; nothing was sent.
            APIError: The platform refuses it: 510302 the job is not finished.
            RequestError: No usable reply came.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Jlnlm0rdx.
        """
        raise NotImplementedError

    apublish = publish.twin()

    @operation("/wenxinworkshop/modelrepo/model/preset/list")
    def list_preset(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return the platform's own models.

        Args:
            **options: See `ConsoleOptions`.
        """
        raise NotImplementedError

    alist_preset = list_preset.twin()

    @operation("/wenxinworkshop/modelrepo/model/user/list")
    def list_user(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return the account's own models.

        Args:
            **options: See `ConsoleOptions`.
        """
        raise NotImplementedError

    alist_user = list_user.twin()

    @operation("/wenxinworkshop/modelrepo/model/batchDelete", model_ids="modelIDs")
    def delete(self, model_ids: Sequence[str], **options: Unpack[ConsoleOptions]) -> Response:
        """Delete models with all their versions.

        Args:
            model_ids: The models' ids.
            **options: See `ConsoleOptions`.
        """
        raise NotImplementedError

    adelete = delete.twin()

    @operation("/wenxinworkshop/modelrepo/model/version/batchDelete", model_version_ids="modelVersionIds")
    def delete_version(self, model_version_ids: Sequence[str], **options: Unpack[ConsoleOptions]) -> Response:
        """Delete versions of models.

        Args:
            model_version_ids: The versions' ids.
            **options: See `ConsoleOptions`.
        """
        raise NotImplementedError

    adelete_version = delete_version.twin()
