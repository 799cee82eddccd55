"""CatalogService: what can be started."""

from stretto.catalog.v1.catalog_service_pb2 import (
    DescribeWorkflowTypeRequest,
    DescribeWorkflowTypeResponse,
    ListWorkflowTypesRequest,
    ListWorkflowTypesResponse,
)
from stretto.catalog.v1.catalog_service_pb2_grpc import CatalogServiceServicer
from stretto.server.engine.catalog import Catalog
from stretto.server.rpc._calls import Context
from stretto.server.rpc._pages import PAGE_SIZE, Filter, after, page
from stretto.server.rpc.convert import workflow_type_to_proto
from stretto.server.rpc.projects import project_of

__all__ = ["CatalogServicer"]


class CatalogServicer(CatalogServiceServicer):
    """Answers from the catalog in memory."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def ListWorkflowTypes(  # noqa: N802 - The name in the protos.
        self, request: ListWorkflowTypesRequest, context: Context
    ) -> ListWorkflowTypesResponse:
        """Lists the registered workflow types by name."""
        where = Filter.of(project_of(context), request)
        rows = after(self._catalog, where.cursor(request.page_token), lambda info: info.name)
        types, cursor = page(
            rows,
            request.page_size or PAGE_SIZE,
            lambda info: workflow_type_to_proto(info, whole=False),
            lambda info: info.name,
        )
        return ListWorkflowTypesResponse(workflow_types=types, next_page_token=where.token(cursor) if cursor else "")

    async def DescribeWorkflowType(  # noqa: N802 - The name in the protos.
        self, request: DescribeWorkflowTypeRequest, _: Context
    ) -> DescribeWorkflowTypeResponse:
        """Describes one workflow type."""
        info = self._catalog.public(request.name)
        return DescribeWorkflowTypeResponse(workflow_type=workflow_type_to_proto(info, whole=True))
