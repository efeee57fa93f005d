"""The protos keep what they promise, and the checks that watch them can fail."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import protovalidate
import pytest
from foremesh.access.v1 import access_pb2
from foremesh.coordinator.v1 import coordinator_service_pb2
from foremesh.forecast.v1 import forecast_service_pb2
from foremesh.market.v1 import market_pb2
from foremesh.trader.v1 import trader_service_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from tests.conftest import ROOT
from tools.check import differences
from tools.generate import generate

BUF = Path(sys.executable).parent / "buf"
SERVICES = {
    "ForecastService": (
        forecast_service_pb2,
        "StreamSignals GenerateSignals GenerateForecasts GetModel ListExitPolicies",
    ),
    "CoordinatorService": (
        coordinator_service_pb2,
        "RegisterWorker Heartbeat CommitShard ReleaseLease GetProgress WatchProgress ListShards ListWorkers FetchShard",
    ),
    "TraderService": (
        trader_service_pb2,
        "GetStatus ListPositions ListOrders ListTrades GetReport "
        "WatchEvents WatchState GetMarketView GetTrace PauseTrading ResumeTrading FlattenPositions AdoptPosition",
    ),
}
MUTATING = {
    "RegisterWorker",
    "Heartbeat",
    "CommitShard",
    "ReleaseLease",
    "PauseTrading",
    "ResumeTrading",
    "FlattenPositions",
    "AdoptPosition",
}


def methods() -> list[MethodDescriptor]:
    found = [
        method for name, (module, _) in SERVICES.items() for method in module.DESCRIPTOR.services_by_name[name].methods
    ]
    return sorted(found, key=lambda method: method.full_name)


def messages() -> Iterator[Descriptor]:
    seen: set[str] = set()
    waiting: list[FileDescriptor] = [module.DESCRIPTOR for module, _ in SERVICES.values()] + [market_pb2.DESCRIPTOR]
    while waiting:
        file = waiting.pop()
        if file.name in seen or not file.name.startswith("foremesh/"):
            continue
        seen.add(file.name)
        waiting.extend(file.dependencies)
        yield from file.message_types_by_name.values()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_methods_of_the_architecture(service: str) -> None:
    module, names = SERVICES[service]
    assert [method.name for method in module.DESCRIPTOR.services_by_name[service].methods] == names.split()


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.full_name)
def test_a_method_has_messages_of_its_own_roles_and_a_retry_class(method: MethodDescriptor) -> None:
    assert method.input_type.name == f"{method.name}Request"
    assert method.output_type.name == f"{method.name}Response"
    options = method.GetOptions()
    assert options.Extensions[access_pb2.access].roles  # type: ignore[index]  # protoc types extensions as int
    expected = MethodOptions.IDEMPOTENT if method.name in MUTATING else MethodOptions.NO_SIDE_EFFECTS
    assert options.idempotency_level == expected


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.full_name)
def test_a_method_carries_request_ids_and_pages_where_it_must(method: MethodDescriptor) -> None:
    fields = method.input_type.fields_by_name
    if method.name in MUTATING:
        assert "request_id" in fields
    if method.name.startswith("List"):
        assert {"page_size", "page_token"} <= set(fields)
        assert "next_page_token" in method.output_type.fields_by_name


@pytest.mark.parametrize("message", list(messages()), ids=lambda message: message.full_name)
def test_the_rules_of_a_message_compile(message: Descriptor) -> None:
    empty = message_factory.GetMessageClass(message)()
    protovalidate.collect_violations(empty)  # raises CompilationError for a rule that makes no sense


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.full_name)
def test_every_array_and_text_a_caller_sends_is_bounded(method: MethodDescriptor) -> None:
    assert sorted(unbounded(method.input_type, set())) == []


def unbounded(message: Descriptor, seen: set[str]) -> Iterator[str]:
    """Fields of a request, nested ones too, that a caller could fill without end."""
    if message.full_name in seen or message.full_name.startswith("google."):
        return
    seen.add(message.full_name)
    for field in message.fields:
        rules = field_rules(field)
        if field.is_repeated and "max_items" not in rules and "max_pairs" not in rules:
            yield field.full_name
        texts = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)
        limits = ("max_len", "max_bytes", "pattern", "uuid", "len:")
        if field.type in texts and not any(limit in rules for limit in limits):
            yield field.full_name
        if field.type == FieldDescriptor.TYPE_ENUM and "enum" not in rules:
            yield field.full_name
        if field.message_type is not None:
            yield from unbounded(field.message_type, seen)


def field_rules(field: FieldDescriptor) -> str:
    return str(field.GetOptions())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The contracts with the rules they import, to be broken."""
    shutil.copytree(ROOT / "protos", tmp_path / "protos")
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    return tmp_path


def buf(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BUF, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def edit(folder: Path, old: str, new: str) -> None:
    proto = folder / "protos/foremesh/forecast/v1/forecast.proto"
    text = proto.read_text()
    assert old in text
    proto.write_text(text.replace(old, new))


def test_a_retyped_field_is_a_breaking_change(copy: Path) -> None:
    assert buf(copy, "breaking", "--against", "protos/baseline.binpb").returncode == 0
    edit(copy, "uint32 priority = 7", "uint64 priority = 7")
    result = buf(copy, "breaking", "--against", "protos/baseline.binpb")
    assert result.returncode != 0
    assert "priority" in result.stdout


def test_an_added_field_is_not_a_breaking_change(copy: Path) -> None:
    edit(copy, "uint32 priority = 7", "// New.\n  string added = 99;\n  // Urgency.\n  uint32 priority = 7")
    result = buf(copy, "breaking", "--against", "protos/baseline.binpb")
    assert result.returncode == 0, result.stdout


def test_a_field_without_a_comment_fails_the_lint(copy: Path) -> None:
    assert buf(copy, "lint").returncode == 0
    edit(copy, "uint32 priority = 7", "string mute = 99;\n  uint32 priority = 7")
    assert buf(copy, "lint").returncode != 0


def test_a_hand_on_generated_code_is_noticed(tmp_path: Path) -> None:
    generate(tmp_path / "gen", quiet=True)
    assert differences(tmp_path / "gen", ROOT / "gen") == []
    (tmp_path / "gen/foremesh/market/v1/market_pb2.py").write_text("edited\n")
    assert differences(tmp_path / "gen", ROOT / "gen")


def test_validate_proto_is_not_kept_here() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in tracked if name.endswith("validate.proto")] == []
