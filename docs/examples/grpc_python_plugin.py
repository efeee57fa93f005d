"""A protoc plugin that writes Python's gRPC stubs.

grpcio-tools has the generator inside its protoc and ships no plugin that buf could call; this hands buf's request on.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse
from google.protobuf.descriptor_pb2 import FileDescriptorSet


def main() -> None:
    """Answer the one request on standard input."""
    request = CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    services = {file.name for file in request.proto_file if file.service}
    wanted = [name for name in request.file_to_generate if name in services]  # others would get an empty module
    response = CodeGeneratorResponse(supported_features=CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL)
    with tempfile.TemporaryDirectory() as folder:
        descriptors, out = Path(folder) / "descriptors.binpb", Path(folder) / "out"
        descriptors.write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
        out.mkdir()
        if wanted:
            protoc = [sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={descriptors}"]
            subprocess.run([*protoc, f"--grpc_python_out={out}", *wanted], check=True)  # noqa: S603 - names from buf
        for file in sorted(out.rglob("*.py")):
            response.file.add(name=file.relative_to(out).as_posix(), content=file.read_text())
    sys.stdout.buffer.write(response.SerializeToString())


if __name__ == "__main__":
    main()
