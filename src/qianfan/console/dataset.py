"""Datasets (数据集): what models are trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.console.operation import Console, ConsoleOptions, operation
from qianfan.console.v2 import DatasetV2

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from qianfan.response import Response


class Dataset(Console):
    """Datasets: `qianfan.Dataset.info(...)`, or `client.dataset.info(...)`.

    Fields that are no parameters here travel as they are: `create(name="faq", ...)`.
    """

    V2 = DatasetV2

    @property
    def v2(self) -> DatasetV2:
        """The calls of the console's v2."""
        return DatasetV2(self.client)

    @operation("/wenxinworkshop/dataset/info", dataset_id="datasetId")
    def info(self, dataset_id: int | str, **options: Unpack[ConsoleOptions]) -> Response:
        """Return a dataset, in `result`.

        Args:
            dataset_id: The dataset's id.
            **options: See `ConsoleOptions`.
        """
        raise NotImplementedError

    ainfo = info.twin()

    @operation("/wenxinworkshop/dataset/create")
    def create(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Create a dataset."""
        raise NotImplementedError

    acreate = create.twin()

    @operation("/wenxinworkshop/dataset/release")
    def release(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Release a dataset, so that models can be trained on it."""
        raise NotImplementedError

    arelease = release.twin()

    @operation("/wenxinworkshop/dataset/import")
    def import_files(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Import files into a dataset."""
        raise NotImplementedError

    aimport_files = import_files.twin()

    @operation("/wenxinworkshop/dataset/importErrorDetail")
    def get_import_errors(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return what was wrong with an import."""
        raise NotImplementedError

    aget_import_errors = get_import_errors.twin()

    @operation("/wenxinworkshop/dataset/statusList")
    def list_statuses(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return how datasets stand: imports, exports, releases."""
        raise NotImplementedError

    alist_statuses = list_statuses.twin()

    @operation("/wenxinworkshop/dataset/export")
    def export(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Export a dataset."""
        raise NotImplementedError

    aexport = export.twin()

    @operation("/wenxinworkshop/dataset/exportRecord")
    def list_exports(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Return the exports of a dataset."""
        raise NotImplementedError

    alist_exports = list_exports.twin()

    @operation("/wenxinworkshop/dataset/delete")
    def delete(self, **options: Unpack[ConsoleOptions]) -> Response:
        """Delete a dataset."""
        raise NotImplementedError

    adelete = delete.twin()
