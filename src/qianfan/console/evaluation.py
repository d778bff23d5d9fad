"""Evaluations of models (模型评估). Which fields they take, the platform's documentation says: they travel as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.console.operation import Console, ConsoleOptions, operation

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from qianfan.response import Response


class Evaluations(Console):
    """Evaluations: `qianfan.Model.Evaluation.create(...)`, or `client.model.evaluation.create(...)`."""

    @operation("/wenxinworkshop/modelrepo/eval/create")
    def create(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Start an evaluation."""
        raise NotImplementedError

    acreate = create.twin()

    @operation("/wenxinworkshop/modelrepo/eval/detail")
    def get(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return how an evaluation stands."""
        raise NotImplementedError

    aget = get.twin()

    @operation("/wenxinworkshop/modelrepo/eval/report")
    def report(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return the report of an evaluation that has ended."""
        raise NotImplementedError

    areport = report.twin()

    @operation("/wenxinworkshop/modelrepo/eval/cancel")
    def cancel(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Cancel an evaluation that runs."""
        raise NotImplementedError

    acancel = cancel.twin()

    @operation("/wenxinworkshop/modelrepo/eval/delete")
    def delete(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Delete an evaluation."""
        raise NotImplementedError

    adelete = delete.twin()

    @operation("/wenxinworkshop/modelrepo/eval/model/list")
    def list_models(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return the models that can be evaluated."""
        raise NotImplementedError

    alist_models = list_models.twin()

    @operation("/wenxinworkshop/modelrepo/eval/result/list")
    def list_results(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return what the models answered, question by question."""
        raise NotImplementedError

    alist_results = list_results.twin()

    @operation("/wenxinworkshop/modelrepo/eval/result/export")
    def export_results(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Export those answers."""
        raise NotImplementedError

    aexport_results = export_results.twin()

    @operation("/wenxinworkshop/modelrepo/eval/result/export/info")
    def get_export(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return how such an export stands."""
        raise NotImplementedError

    aget_export = get_export.twin()
