"""The composition root: page, calls, and the server in front of them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from foremesh.trader.v1 import trader_service_pb2 as pb

from console.phone.api import Api
from console.phone.config import PhoneConfig
from console.phone.guard import App, Guard, Receive, Scope, Send
from console.phone.site import Site
from mesh import log
from mesh.daemon import Fatal, Lifecycle
from mesh.rpc.channel import connect

_SERVICE = pb.DESCRIPTOR.services_by_name["TraderService"].full_name
_GRACE_SECONDS = 2
_log = log.get(__name__)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the daemon."""
        yield


@asynccontextmanager
async def phone(config: PhoneConfig, lifecycle: Lifecycle) -> AsyncIterator[str]:
    """Serve page and calls; yields the page's address.

    Raises:
        Fatal: The address cannot be listened on.
        OSError: A certificate or token file cannot be read.
        CertificateError: Key and certificate are not a pair.
    """
    host, _, port = config.listen.rpartition(":")
    with _bound(host.strip("[]"), int(port)) as bound:
        at = bound.getsockname()[1]
        names = frozenset({f"{host}:{at}", f"localhost:{at}", f"127.0.0.1:{at}", f"[::1]:{at}"})
        async with connect(config.trader, _SERVICE) as channel:
            app = Guard(_both(Api(channel), Site()), names)
            server = _Server(
                uvicorn.Config(
                    app,
                    log_config=None,
                    access_log=False,
                    lifespan="off",
                    server_header=False,
                    ws="none",
                    timeout_graceful_shutdown=_GRACE_SECONDS,
                )
            )
            serving = lifecycle.tasks.create_task(server.serve(sockets=[bound]), name="page")
            while not server.started:  # noqa: ASYNC110  it has no other way to say so
                await asyncio.sleep(0.01)
            url = f"http://{host}:{at}/"
            _log.info("serving", url=url, trader=config.trader.targets[0])
            lifecycle.ready(f"the page is at {url}")
            try:
                yield url
            finally:
                server.should_exit = True
                await asyncio.wait([serving], timeout=2 * _GRACE_SECONDS)


def _both(api: Api, site: Site) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        call = scope["type"] == "http" and scope["path"].startswith(api.path + "/")
        await (api if call else site)(scope, receive, send)

    return app


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    try:
        bound = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise Fatal(f"{host}:{port}: {error}") from error
    with bound:
        yield bound
