from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from stretto.catalog.v1.catalog_service_pb2 import DescribeWorkflowTypeRequest, ListWorkflowTypesRequest
from stretto.server.domain.payload import STRUCT, Payload
from stretto.server.domain.workflow_type import Example, RetryPolicy, StepType, WorkflowType
from tests.protos.generated.orders_pb2 import OrderRequest
from tests.rpc.conftest import ORDER, World, Worlds, good_order


async def test_types_are_listed_by_name_in_pages_without_their_details(worlds: Worlds) -> None:
    world = await worlds(types=tuple(WorkflowType(name=f"type-{number}", mermaid="graph") for number in range(5)))
    request, names = ListWorkflowTypesRequest(page_size=2), []
    while True:
        response = await world.types.ListWorkflowTypes(request)
        names += [info.name for info in response.workflow_types]
        assert all(not info.mermaid and not info.contract.file_descriptor_set for info in response.workflow_types)
        if not response.next_page_token:
            break
        request.page_token = response.next_page_token
    assert names == [f"type-{number}" for number in range(5)]


async def test_a_client_needs_nothing_but_the_description_to_build_an_input(world: World) -> None:
    described = await world.types.DescribeWorkflowType(DescribeWorkflowTypeRequest(name="order"))
    contract = described.workflow_type.contract
    assert contract.input_type == "tests.orders.v1.OrderRequest"
    assert dict(contract.decision_types) == {"review": "tests.orders.v1.ReviewDecision"}
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(contract.file_descriptor_set).file:
        pool.Add(file)
    found = GetMessageClass(pool.FindMessageTypeByName(contract.input_type))
    assert found is not OrderRequest
    assert await world.start(input={"type_url": f"x/{contract.input_type}", "value": good_order().SerializeToString()})


async def test_a_type_without_a_contract_describes_its_struct_too(world: World) -> None:
    described = await world.types.DescribeWorkflowType(DescribeWorkflowTypeRequest(name="dynamic"))
    files = FileDescriptorSet.FromString(described.workflow_type.contract.file_descriptor_set)
    assert [file.name for file in files.file] == ["google/protobuf/struct.proto"]


async def test_policies_drawing_and_examples_are_described(worlds: Worlds) -> None:
    policy = RetryPolicy(3, 500_000, 2.0, 10_000_000, jitter=True, retry_on=("ValueError",))
    world = await worlds(
        types=(
            WorkflowType(
                name="full",
                description="Does it.",
                mermaid="graph TD",
                steps=(StepType("a/b", (policy,), 1_500_000),),
                total_timeout=60_000_000,
                concurrency_max=4,
                examples=(Example("Try this.", Payload(STRUCT, b"")),),
                input_json_schema="{}",
            ),
            ORDER,
        )
    )
    described = await world.types.DescribeWorkflowType(DescribeWorkflowTypeRequest(name="full"))
    info = described.workflow_type
    assert (info.mermaid, info.input_json_schema, info.description) == ("graph TD", "{}", "Does it.")
    assert (info.policies.total_timeout.seconds, info.policies.concurrency_max) == (60, 4)
    step = info.steps[0]
    assert (step.step, step.timeout.ToMilliseconds(), step.retry_policies[0].attempts_max) == ("a/b", 1_500, 3)
    assert step.retry_policies[0].retry_on == ["ValueError"]
    assert info.examples[0].input.type_url.endswith(f"/{STRUCT}")
