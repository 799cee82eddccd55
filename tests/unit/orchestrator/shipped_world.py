"""The workflow types that ship with Stretto, as the orchestrator is told of them."""

from collections.abc import Iterable

from stretto.orchestrator.brief import Example, KnownType
from stretto.server import App
from stretto.server.domain.workflow_type import WorkflowType
from stretto.server.rpc.contracts import Contracts
from stretto.server.rpc.schemas import schema_of
from stretto.workflows import app

__all__ = ["SHIPPED"]


def known(app: App) -> Iterable[KnownType]:
    """The types of an app."""
    infos = [
        WorkflowType(name=each.name, description=each.description, contract=each.contract, examples=each.examples)
        for each in app.declarations.values()
    ]
    contracts = Contracts(infos)
    for info in infos:
        yield KnownType(
            name=info.name,
            description=info.description,
            input_schema=schema_of(contracts.pool.FindMessageTypeByName(info.contract.input_type)),
            examples=tuple(Example(each.title, contracts.decode(each.input)) for each in info.examples),
        )


SHIPPED = tuple(known(app))
