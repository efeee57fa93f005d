"""The composition root: state, markets, REST, WebSocket, admin."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import NamedTuple

import msgspec
from aiohttp import web

from mesh import log
from mesh.clock import Clock, ScaledClock, SystemClock
from mesh.config import ConfigError
from mesh.daemon import Fatal, Lifecycle
from mesh.secret import read_secret
from sim_exchange.admin import admin
from sim_exchange.api.archive import Archive
from sim_exchange.api.history import History
from sim_exchange.api.server import api
from sim_exchange.config import CertificateConfig, ExchangeConfig, precision_micros
from sim_exchange.domain.exchange import SHARDS, Exchange
from sim_exchange.domain.types import Account
from sim_exchange.driver import Driver
from sim_exchange.faults import Faults
from sim_exchange.hub import Hub
from sim_exchange.members import Members, Opening, UnusableKey, account_id, register
from sim_exchange.recorder import (
    Recorder,
    keep_cutoffs,
    restore_archive,
    restore_exchange,
    restore_tape,
    saved_time,
)
from sim_exchange.sources.base import Past, Source
from sim_exchange.sources.generated.config import GeneratedConfig
from sim_exchange.sources.generated.source import GeneratedSource
from sim_exchange.sources.recorded import RecordedSource
from sim_exchange.store import STATE_FILE, Store, sole_use
from sim_exchange.stream.routes import add_stream_routes
from sim_exchange.stream.streams import Streams
from sim_exchange.tape.tape import Tape

_FLUSH_SECONDS = 1.0
_DRAIN_SECONDS = 5.0
_BREATH_SECONDS = 0.002
_IDENTITY = "markets"

_log = log.get(__name__)


class Running(NamedTuple):
    """A simulated exchange that answers."""

    url: str
    """Root of REST and WebSocket, such as `http://127.0.0.1:8790`."""
    admin_url: str | None
    exchange: Exchange
    clock: Clock


@asynccontextmanager
async def simulated_exchange(config: ExchangeConfig, lifecycle: Lifecycle) -> AsyncIterator[Running]:
    """Bring back the state, list the markets, serve, and let time pass; at the end write the rest and close.

    Raises:
        Fatal: The state is in use, or belongs to other markets.
        ConfigError: A key file, a certificate or the recording cannot be used.
    """
    with sole_use(config.state_folder), _store(config) as store:
        source = _source(config)
        clock = _clock(config, source, saved_time(store))
        now = clock.now()
        exchange = Exchange(
            seed=config.seed,
            quirks=config.quirks,
            shards=SHARDS if config.cash_per_shard else {0: SHARDS[0]},
            weekly_maintenance=config.weekly_pause,
        )
        kept = restore_exchange(store, exchange, now)
        tape = Tape(exchange.markets, lambda ticker: _past(source, ticker, kept.get(ticker, now)))
        restore_tape(store, tape, exchange)
        recorder = Recorder(store, exchange, tape, clock.now)
        wall = SystemClock()
        faults = Faults(config.seed, config.faults)
        history = History(exchange, wall.monotonic)
        streams = Streams(exchange, tape, clock=clock, wall=wall, faults=faults)
        driver = Driver(
            exchange,
            Hub(recorder, tape, history, streams),
            source,
            clock,
            one_shard=not config.cash_per_shard,
            longest_sleep=config.clock.speed,
        )
        driver.list_catalogue(now)
        members = _members(config, store, exchange, driver)
        archive = Archive(config.quirks)
        restore_archive(store, archive)
        rest = api(
            exchange=exchange,
            tape=tape,
            keys=members,
            quirks=config.quirks,
            clock=clock,
            wall=wall,
            faults=faults,
            publish=driver.publish,
            reached=lambda: driver.reached,
            history=history,
            archive=archive,
            weekly_maintenance=config.weekly_pause,
        )
        add_stream_routes(rest, streams, keys=members, quirks=config.quirks, wall=wall, faults=faults)
        desk = admin(
            exchange=exchange,
            archive=archive,
            faults=faults,
            clock=clock,
            publish=driver.publish,
            remember=partial(keep_cutoffs, store),
        )
        lifecycle.tasks.create_task(driver.run(now), name="markets")
        lifecycle.tasks.create_task(driver.failure(), name="listeners")
        lifecycle.tasks.create_task(_flush(recorder), name="store")
        lifecycle.tasks.create_task(_load_history(tape), name="history")
        try:
            async with (
                _listening(desk, config.admin_listen) as admin_url,
                _listening(rest, config.listen, config.tls) as url,
            ):
                _log.info(
                    "listening", url=url, admin=admin_url, markets=len(exchange.markets), exchange_time=now.isoformat()
                )
                lifecycle.ready(f"serving {config.source.kind} markets on {url}")
                yield Running(str(url), admin_url, exchange, clock)
        finally:
            recorder.close()


async def _load_history(tape: Tape) -> None:
    """Load what was before the simulation bit by bit, so that nobody has to wait for all of it at once."""
    for _ in tape.preload():
        await asyncio.sleep(_BREATH_SECONDS)


async def _flush(recorder: Recorder) -> None:
    while True:
        recorder.flush()
        await asyncio.sleep(_FLUSH_SECONDS)


@asynccontextmanager
async def _listening(
    app: web.Application, address: str, tls: CertificateConfig | None = None
) -> AsyncIterator[str | None]:
    """Serve an application; gives its URL, None if it is off."""
    if address == "off":
        yield None
        return
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_DRAIN_SECONDS, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, int(port), ssl_context=_tls(tls)).start()
        bound = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        yield f"{'https' if tls else 'http'}://{shown}:{bound}"
    finally:
        await runner.cleanup()


def _tls(tls: CertificateConfig | None) -> ssl.SSLContext | None:
    if tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    read_secret(tls.private_key_file)  # refuses a key that others may read
    try:
        context.load_cert_chain(tls.certificate_file, tls.private_key_file)
    except OSError as error:
        raise ConfigError(f"tls: certificate and key cannot be used: {error}") from error
    return context


def _source(config: ExchangeConfig) -> Source:
    if isinstance(config.source, GeneratedConfig):
        return GeneratedSource(config.source, weekly_pause=config.weekly_pause)
    return RecordedSource(config.source)


def _clock(config: ExchangeConfig, source: Source, saved: datetime | None) -> Clock:
    """Real time where nothing else is asked for, the time that is shared, or on from where the last run ended."""
    if config.clock.since is not None:
        return config.clock.shared()
    start = config.clock.start or source.start
    if start is None and config.clock.speed == 1:
        return SystemClock()
    return ScaledClock(config.clock.speed, saved or start or SystemClock().now())


def _past(source: Source, ticker: str, until: datetime) -> Past:
    try:
        return source.past(ticker, until)
    except KeyError:  # a market of an earlier run that the source no longer lists
        return Past(ticker)


def _members(config: ExchangeConfig, store: Store, exchange: Exchange, driver: Driver) -> Members:
    for number, account in enumerate(config.accounts):
        member = Account(
            account_id=account_id(account.name),
            name=account.name,
            usage_tier=account.tier,
            balance_precision=precision_micros(account),
        )
        try:
            pem = account.public_key_file.read_text()
            register(store, Opening(member, config.deposits(account)), account.key_id, pem, account.scopes)
        except (OSError, UnicodeDecodeError, UnusableKey) as error:
            raise ConfigError(f"accounts.{number}.public_key_file: {account.public_key_file}: {error}") from error

    def admit(opening: Opening) -> None:
        if opening.account.account_id not in exchange.accounts:
            exchange.open_account(opening.account, opening.deposits)
            driver.publish()

    return Members(store, admit)


def _store(config: ExchangeConfig) -> Store:
    """Open the state, which belongs to one seed and one set of markets. Fatal if it is of others."""
    folder = config.state_folder
    store = Store(folder and folder / STATE_FILE)
    # Without defaults, so that a setting that a later version adds does not make it another source.
    source = config.source.model_dump(mode="json", exclude_defaults=True)
    identity = hashlib.sha256(msgspec.json.encode([config.seed, config.cash_per_shard, config.weekly_pause, source]))
    known = store.fact(_IDENTITY)
    if known is None:
        store.set_fact(_IDENTITY, identity.hexdigest())
        store.commit()
    elif known != identity.hexdigest():
        store.close()
        raise Fatal(f"{folder}: belongs to another seed or source of markets; name another state_folder, or remove it")
    return store
