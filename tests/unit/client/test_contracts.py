"""The memory of contracts."""

import sys
import threading
import time

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from stretto.catalog.v1.workflow_type_pb2 import Contract, WorkflowType
from stretto.client._contracts import Contracts

SECONDS = 1.0


def described(name: str) -> WorkflowType:
    file = FileDescriptorProto(name=f"{name}.proto", package=name)
    file.message_type.add(name="Input")
    files = FileDescriptorSet(file=[file])
    return WorkflowType(name=name, contract=Contract(file_descriptor_set=files.SerializeToString()))


def test_one_thread_may_learn_while_another_looks() -> None:
    contracts, failed = Contracts(), list[BaseException]()
    types = [described(f"t{number}") for number in range(50)]
    end = time.monotonic() + SECONDS

    def learn() -> None:
        while time.monotonic() < end:
            for workflow_type in types:
                contracts.learn(workflow_type)
            for workflow_type in types:
                contracts.forget(workflow_type.name)

    def look() -> None:
        try:
            while time.monotonic() < end:
                assert contracts.class_of("nobody.Knows") is None
        except RuntimeError as error:
            failed.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for work in (learn, look, look)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not failed
