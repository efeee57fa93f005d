"""foremesh-phone: the daemon."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec

# gRPC reads this when it is imported; its C core would write plain lines to stderr, between ours.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from console.phone.config import PhoneConfig
from mesh.daemon import Fatal, Lifecycle, command


@asynccontextmanager
async def _phone(config: PhoneConfig, lifecycle: Lifecycle) -> AsyncIterator[str]:
    if find_spec("connectrpc") is None or find_spec("uvicorn") is None:
        raise Fatal("the phone's page needs more: pip install 'foremesh[phone]'")
    from console.phone.app import phone  # noqa: PLC0415  # what it needs comes with an extra

    async with phone(config, lifecycle) as url:
        yield url


main = command("foremesh-phone", PhoneConfig, _phone)

if __name__ == "__main__":
    main()
