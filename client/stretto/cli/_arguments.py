"""Parameters that several commands have, each with its help, said once."""

from typing import Annotated, TypeAlias

from cyclopts import Parameter

__all__ = ["Deadline", "Labels", "RequestId", "WatchIt", "WorkflowId"]

WorkflowId: TypeAlias = Annotated[
    str, Parameter(name="ID", help="The workflow's id, such as wf_01m7z0aqej535dmxs1ztzzpj86.")
]
RequestId: TypeAlias = Annotated[
    str, Parameter(help="Makes the call repeatable: with the same id it is done once. At most 128 characters.")
]
Deadline: TypeAlias = Annotated[
    str,
    Parameter(help="When the workflow times out if it has not ended: a time from now such as 30s or 2h, or a moment."),
]
Labels: TypeAlias = Annotated[
    tuple[str, ...], Parameter(name="--label", help="A label as KEY=VALUE; may be given several times.")
]
WatchIt: TypeAlias = Annotated[
    bool, Parameter(name="--watch", help="Follow the workflow until it ends, as `stretto watch` does.")
]
