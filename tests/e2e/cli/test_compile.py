"""`stretto compile` makes Python of .proto files."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from stretto.cli._compile import RULES
from stretto.cli._init import TEMPLATE

ORDER = """\
syntax = "proto3";
package shop.v1;

import public "shop/v1/item.proto";
import "buf/validate/validate.proto";
import "google/protobuf/timestamp.proto";

// What somebody wants.
message Order {
  repeated Item items = 1 [(buf.validate.field).repeated.min_items = 1];
  google.protobuf.Timestamp deliver_by = 2;
}
service Orders {
  rpc Place(Order) returns (Item);
}
"""
ITEM = """\
syntax = "proto3";
package shop.v1;
import "buf/validate/validate.proto";
message Item {
  string sku = 1 [(buf.validate.field).string.min_len = 1];
}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The present folder, with contracts in it."""
    protos = tmp_path / "protos/shop/v1"
    protos.mkdir(parents=True)
    (protos / "order.proto").write_text(ORDER)
    (protos / "item.proto").write_text(ITEM)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def python(folder: Path, code: str) -> str:
    """What a piece of Python prints in a folder; warnings are errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def made(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_messages_and_their_types_come_of_a_folder(stretto, shop: Path) -> None:
    ran = stretto("compile")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "wrote shop/v1/item_pb2.py",
        "wrote shop/v1/item_pb2.pyi",
        "wrote shop/v1/order_pb2.py",
        "wrote shop/v1/order_pb2.pyi",
    ]
    assert all((shop / line.removeprefix("wrote ")).exists() for line in ran.out.splitlines())


def test_the_code_keeps_the_rules_and_needs_no_package_for_them(stretto, shop: Path) -> None:
    stretto("compile")
    code = """\
import sys
sys.modules["buf"] = None
from shop.v1.order_pb2 import Item, Order
from stretto.server.rpc._rules import violations_of
print([violation.field for violation in violations_of(Order(items=[Item()]))])
print([file.name for file in Order.DESCRIPTOR.file.dependencies])
"""
    assert python(shop, code).splitlines() == [
        "['items[0].sku']",
        "['shop/v1/item.proto', 'google/protobuf/timestamp.proto']",
    ]


def test_a_public_import_after_the_rules_stays_the_one_it_was(stretto, shop: Path) -> None:
    rules = 'import "buf/validate/validate.proto";\n'
    item = 'import public "shop/v1/item.proto";\n'
    order = ORDER.replace(rules, "").replace(item, rules + item)
    (shop / "protos/shop/v1/order.proto").write_text(order)
    assert stretto("compile").code == 0
    public = "file.public_dependencies"
    code = f"from shop.v1.order_pb2 import Order; file = Order.DESCRIPTOR.file; print([f.name for f in {public}])"
    assert python(shop, code).strip() == "['shop/v1/item.proto']"


def test_stubs_come_for_services_only(stretto, shop: Path) -> None:
    assert stretto("compile", "--grpc").code == 0
    assert [name for name in made(shop) if "grpc" in name] == ["shop/v1/order_pb2_grpc.py"]
    assert python(shop, "from shop.v1.order_pb2_grpc import OrdersStub; print(OrdersStub.__name__)") == "OrdersStub\n"


def test_it_goes_from_and_to_any_folder(stretto, shop: Path) -> None:
    (shop / "protos").rename(shop / "contracts")
    assert stretto("compile", "contracts", "--out", "build/python").code == 0
    assert len(made(shop / "build/python")) == 4


def test_a_descriptor_set_stands_on_its_own(stretto, shop: Path) -> None:
    assert stretto("compile", "--descriptor-set", "all.binpb").code == 0
    files = FileDescriptorSet.FromString((shop / "all.binpb").read_bytes()).file
    assert {RULES, "shop/v1/item.proto", "shop/v1/order.proto"} <= {file.name for file in files}
    (order,) = (file for file in files if file.name == "shop/v1/order.proto")
    assert any(place.leading_comments == " What somebody wants.\n" for place in order.source_code_info.location)


def test_programs_are_told_in_json(stretto, shop: Path) -> None:
    told = json.loads(stretto("compile", "--out", "out", "--json").out)
    assert told == {"files": [f"out/{name}" for name in made(shop / "out")], "warnings": []}


def test_what_is_not_the_users_own_is_not_compiled(stretto, shop: Path) -> None:
    for foreign in (".venv/lib/a.proto", "env/lib/b.proto", RULES):
        path = shop / foreign
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((TEMPLATE.parent / "_protos" / RULES).read_text() if foreign == RULES else "nonsense")
    (shop / "env/pyvenv.cfg").touch()
    (shop / "protos/shop").rename(shop / "shop")
    assert stretto("compile", ".", "--out", "out").code == 0
    assert len(made(shop / "out")) == 4


def test_a_mistake_is_told_as_protoc_tells_it(stretto, shop: Path) -> None:
    (shop / "protos/shop/v1/item.proto").write_text(ITEM.replace("string sku", "strnig sku"))
    ran = stretto("compile")
    assert (ran.code, ran.out) == (2, "")
    first, second, *_ = ran.err.splitlines()
    assert first == "stretto: the .proto files do not compile:"
    assert second == 'protos/shop/v1/item.proto:5:3: "strnig" is not defined.'


def test_nothing_is_written_of_files_with_a_mistake(stretto, shop: Path) -> None:
    (shop / "protos/shop/v1/wrong.proto").write_text("message")
    assert stretto("compile", "--out", "out", "--descriptor-set", "all.binpb").code == 2
    assert not (shop / "out").exists()
    assert not (shop / "all.binpb").exists()


def test_a_warning_of_protoc_is_passed_on(stretto, shop: Path) -> None:
    unused = 'import "google/protobuf/duration.proto";\nmessage'
    (shop / "protos/shop/v1/item.proto").write_text(ITEM.replace("message", unused))
    ran = stretto("compile")
    assert ran.code == 0
    assert "item.proto:4:1: warning: Import google/protobuf/duration.proto is unused." in ran.err


def test_a_folder_that_is_not_there_is_named(stretto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert_refused(stretto("compile"), "there is no folder protos;")


def test_a_folder_without_protos_is_named(stretto, tmp_path: Path) -> None:
    assert_refused(stretto("compile", str(tmp_path)), f"there is no .proto file in {tmp_path}")


def test_a_place_that_cannot_be_written_is_named(stretto, shop: Path) -> None:
    (shop / "file").touch()
    ran = stretto("compile", "--out", "file/out")
    assert ran.code == 1
    assert "cannot write file/out" in ran.err


def test_without_protoc_it_says_what_to_install(stretto, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name == "grpc_tools" else find(name))
    assert_refused(stretto("compile"), "pip install 'stretto[compile]'")


def test_the_template_of_init_is_compiled_from_its_proto(stretto, tmp_path: Path) -> None:
    """The descriptors; that the code is what our pinned generator writes is tested where that is."""
    assert stretto("compile", str(TEMPLATE / "protos"), "--out", str(tmp_path)).code == 0
    code = "from expenses.v1 import expenses_pb2; print(expenses_pb2.DESCRIPTOR.serialized_pb)"
    assert python(tmp_path, code) == python(TEMPLATE, code)


def assert_refused(ran, text: str) -> None:
    assert (ran.code, ran.out) == (2, "")
    assert text in ran.err
    assert len(ran.err.splitlines()) == 1
