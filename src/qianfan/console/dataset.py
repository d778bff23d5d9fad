"""Datasets (数据集): what models are trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.console.operation import Console, ConsoleOptions, operation
from qianfan.console.v2 import DatasetV2

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from qianfan.response import Response


class Dataset(Console):
    """Datasets: `client.dataset.info(...)`."""

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
