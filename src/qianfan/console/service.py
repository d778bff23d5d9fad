"""The services that models are published as (大模型服务)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.console.checks import check_service
from qianfan.console.operation import Console, ConsoleOptions, operation
from qianfan.console.v2 import ServiceV2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from qianfan.response import Response


class Service(Console):
    """Services: `qianfan.Service.create(...)`, or `client.service.create(...)`."""

    V2 = ServiceV2

    @property
    def v2(self) -> ServiceV2:
        """The calls of the console's v2."""
        return ServiceV2(self.client)

    @operation("/wenxinworkshop/service/apply", check=check_service, iteration_id="modelVersionId")
    def create(
        self,
        model_id: int | str,
        iteration_id: int | str,
        name: str,
        uri: str,
        replicas: int,
        pool_type: int,
        description: str | None = None,
        **options: Unpack[ConsoleOptions],
    ) -> Response:
        """Publish a model as a service, which then answers at `endpoint=uri`.

        Args:
            model_id: The model's id.
            iteration_id: The id of the model's version.
            name: The service's name, 2 to 20 characters.
            uri: The last part of its address, 2 to 20 characters.
            replicas: How many instances, from 1.
            pool_type: 1 for public resources, 2 for private ones.
            description: At most 500 characters.
            **options: See `ConsoleOptions`.

        Returns:
            The reply; `result` holds `{result, serviceId}`.

        Raises:
            InvalidArgumentError: The call cannot be right; nothing was sent.
            APIError: The platform refuses it.
            RequestError: No usable reply came.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Plnlmxdgy.
        """
        raise NotImplementedError

    acreate = create.twin()

    @operation("/wenxinworkshop/service/detail", id="serviceId")
    def get(self, id: int | str, **options: Unpack[ConsoleOptions]) -> Response:  # noqa: A002  # the classic name
        """Return a service, in `result`.

        Args:
            id: The service's id.
            **options: See `ConsoleOptions`.

        Raises:
            APIError: The platform refuses it.
            RequestError: No usable reply came.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/s/llnlmyp8o.
        """
        raise NotImplementedError

    aget = get.twin()

    @operation("/wenxinworkshop/service/list", api_type_filter="apiTypefilter")
    def list(
        self, api_type_filter: Sequence[str] | None = None, **options: Unpack[ConsoleOptions]
    ) -> Response:
        """Return the services: the platform's in `result["common"]`, the account's in `result["custom"]`.

        Args:
            api_type_filter: Only services of these types, such as `chat`.
            **options: See `ConsoleOptions`.
        """
        raise NotImplementedError

    alist = list.twin()
