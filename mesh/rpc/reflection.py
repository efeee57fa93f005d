"""Reflection that tools of every age can use.

grpcio-reflection offers v1alpha only, finds neither methods nor oneofs by name, and sends descriptors without their
comments. Here v1 answers too (the messages are wire-identical), every symbol is found, and our own contracts come with
their comments, because that is where the units are written.
"""

from collections.abc import Callable, Iterable
from functools import cache
from importlib import resources
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from grpc_reflection.v1alpha import reflection_pb2 as pb
from grpc_reflection.v1alpha import reflection_pb2_grpc
from grpc_reflection.v1alpha._async import ReflectionServicer

NAMES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


class Reflection(ReflectionServicer):  # type: ignore[misc]  # the base class is untyped
    """Answers from the default pool; our own files with comments."""

    def _file_by_filename(self, request: pb.ServerReflectionRequest, filename: str) -> pb.ServerReflectionResponse:
        return self._answer(request, lambda: self._pool.FindFileByName(filename))

    def _file_containing_symbol(self, request: pb.ServerReflectionRequest, symbol: str) -> pb.ServerReflectionResponse:
        return self._answer(request, lambda: self._find(symbol))

    def _find(self, symbol: str) -> FileDescriptor:
        pool = self._pool
        finders: tuple[Callable[[], FileDescriptor], ...] = (
            lambda: pool.FindFileContainingSymbol(symbol),
            lambda: pool.FindMethodByName(symbol).containing_service.file,
            lambda: pool.FindFieldByName(symbol).file,
            lambda: pool.FindOneofByName(symbol).containing_type.file,
        )
        for find in finders:
            try:
                return find()
            except KeyError:
                continue
        raise KeyError(symbol)

    def _answer(
        self, request: pb.ServerReflectionRequest, find: Callable[[], FileDescriptor]
    ) -> pb.ServerReflectionResponse:
        try:
            files = _with_dependencies(find())
        except KeyError:
            problem = pb.ErrorResponse(
                error_code=grpc.StatusCode.NOT_FOUND.value[0], error_message="no such symbol or file"
            )
            return pb.ServerReflectionResponse(original_request=request, error_response=problem)
        found = pb.FileDescriptorResponse(file_descriptor_proto=[_serialized(file) for file in files])
        return pb.ServerReflectionResponse(original_request=request, file_descriptor_response=found)


def add_reflection(services: Iterable[str], server: grpc.aio.Server) -> None:
    """Serve reflection for the named services, and for itself, in both versions."""
    _know_v1()
    servicer = Reflection((*services, *NAMES))
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=pb.ServerReflectionRequest.FromString,
        response_serializer=pb.ServerReflectionResponse.SerializeToString,
    )
    v1: Any = grpc.method_handlers_generic_handler(NAMES[0], {"ServerReflectionInfo": handler})
    server.add_generic_rpc_handlers((v1,))


@cache
def _know_v1() -> None:
    """Put the descriptor of v1 into the pool: it is v1alpha's under another package, and grpcio-reflection lacks it."""
    file = descriptor_pb2.FileDescriptorProto()
    pb.DESCRIPTOR.CopyToProto(file)
    for message in file.message_type:
        for field in message.field:
            if field.type_name:
                field.type_name = field.type_name.replace(".v1alpha.", ".v1.")
    for method in file.service[0].method:
        method.input_type = method.input_type.replace(".v1alpha.", ".v1.")
        method.output_type = method.output_type.replace(".v1alpha.", ".v1.")
    file.name, file.package = "grpc/reflection/v1/reflection.proto", "grpc.reflection.v1"
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())


def _with_dependencies(file: FileDescriptor) -> list[FileDescriptor]:
    """The file first, then everything it imports, each once."""
    found: dict[str, FileDescriptor] = {}
    waiting = [file]
    while waiting:
        next_file = waiting.pop(0)
        if next_file.name not in found:
            found[next_file.name] = next_file
            waiting.extend(next_file.dependencies)
    return list(found.values())


def _serialized(file: FileDescriptor) -> bytes:
    return _commented().get(file.name) or file.serialized_pb


@cache
def _commented() -> dict[str, bytes]:
    """Our own files as protoc saw them, comments included."""
    bundle = resources.files("foremesh").joinpath("contracts.binpb").read_bytes()
    files = descriptor_pb2.FileDescriptorSet.FromString(bundle).file
    return {file.name: file.SerializeToString() for file in files}
