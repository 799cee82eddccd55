"""What a client can do that has nothing but server reflection."""

import asyncio

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


class StockClient:
    """Calls methods by name, with messages that it knows from reflection alone."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.channel = channel
        self.database = ProtoReflectionDescriptorDatabase(channel)
        self.pool = DescriptorPool(self.database)

    def message(self, name, **fields):
        return GetMessageClass(self.pool.FindMessageTypeByName(name))(**fields)

    def call(self, service, method, **fields):
        found = self.pool.FindServiceByName(service).FindMethodByName(method)
        kind = self.channel.unary_stream if found.server_streaming else self.channel.unary_unary
        answer = GetMessageClass(found.output_type)
        call = kind(f"/{service}/{method}", lambda request: request.SerializeToString(), answer.FromString)
        return call(GetMessageClass(found.input_type)(**fields), timeout=20, wait_for_ready=True)


def use(address):
    with grpc.insecure_channel(address) as channel:
        client = StockClient(channel)
        services = set(client.database.get_services())
        (workflows,) = [name for name in services if name.endswith(".WorkflowService")]
        (catalog,) = [name for name in services if name.endswith(".CatalogService")]
        types = client.call(catalog, "ListWorkflowTypes").workflow_types
        assert "order" in [each.name for each in types]
        contract = client.call(catalog, "DescribeWorkflowType", name="order").workflow_type.contract
        order = client.message(contract.input_type, customer="Ada")
        order.items.add(sku="ABC-1", quantity=2, price=1.5)
        packed = client.message("google.protobuf.Any")
        packed.Pack(order)
        started = client.call(workflows, "StartWorkflow", workflow_type="order", input=packed).workflow
        events = [answer.event for answer in client.call(workflows, "WatchProgress", workflow_id=started.workflow_id)]
        (progress,) = [event.step_progress for event in events if event.WhichOneof("kind") == "step_progress"]
        detail = client.message(progress.detail.TypeName())
        assert progress.detail.Unpack(detail)
        assert detail.items_done == 1
        result = client.message(contract.result_type)
        assert events[-1].completed.result.Unpack(result)
        return result


async def test_a_client_with_nothing_but_reflection_lists_describes_starts_and_watches(serving):
    await serving.up("tests.e2e.promised:app")
    result = await asyncio.to_thread(use, serving.address)
    assert (result.summary, result.total_cents) == ("For Ada", 300)
