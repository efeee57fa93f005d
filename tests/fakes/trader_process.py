"""A real `foremesh-trader` in a process of its own, between a real exchange and forecasts that say what a test wants.

with trading(folder) as desk:
    trader = desk.trader("alice", mode="demo")
    trader.start()
    desk.quote(ticker, bid=54, ask=56)
    desk.forecasts.say(ticker)
    trader.wait(PositionOpened)
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from foremesh.forecast.v1 import forecast_pb2, model_pb2, signal_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb
from foremesh.forecast.v1 import forecast_service_pb2_grpc as rpc

from mesh.kalshi.terms import BookSide
from mesh.types import hundredths_from_count, micros_from_dollars
from tests.fakes.collection import Daemon, wait_for
from tests.fakes.exchange_keys import Signer
from tests.fakes.exchange_process import BIN, PREFIX, Call, ExchangeProcess, exchange_process, request
from trader.domain.entries import AnyEntry
from trader.domain.remaking import Unmade
from trader.domain.state import Books
from trader.domain.words import Purpose
from trader.journal.errors import JournalError
from trader.journal.reading import reading
from trader.journal.replaying import folded, replay

E = TypeVar("E")

EXCHANGE = """
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
weekly_pause = false
[source]
kind = "generated"
series = [{ ticker = "KXHIGHNY", markets = 30, history_hours = 0.0, trades_per_hour = 0.0, ticks_per_minute = 1 }]
[log]
format = "json"
"""
TRADER = """
scan_seconds = 1
useful_seconds = 5
reconcile_seconds = 1
[[series]]
ticker = "KXHIGHNY"
price = "mid"
[rpc]
listen = ["127.0.0.1:0"]
metrics_listen = "off"
[entries]
expire_seconds = 3
[exits]
check_seconds = 0.2
grace_seconds = 0
retry_seconds = 0.2
[protections]
cooldown_seconds = 0
[paper]
latency_seconds = 0.0
[log]
format = "json"
"""
ACCOUNTS = 24
OPPOSITE = {BookSide.ASK: BookSide.BID, BookSide.BID: BookSide.ASK}
LARGE = 100_000
"""Contracts a quote shows: more than the simulation's own makers ever bring against it."""


class ScriptedForecasts(rpc.ForecastServiceServicer):
    """Says of a market what the test wants, and of all others that nothing moves."""

    def __init__(self) -> None:
        self.signals: dict[str, signal_pb2.Signal] = {}
        self.scans = 0

    def say(
        self,
        *tickers: str,
        magnitude: float = 20.0,
        take_profit: float = 5.0,
        stop_loss: float = 10.0,
        up: bool = False,
    ) -> None:
        """Let these markets move down, or up, in every scan until `hush`."""
        for ticker in tickers:
            self.signals[ticker] = signal_pb2.Signal(
                direction=signal_pb2.DIRECTION_UP if up else signal_pb2.DIRECTION_DOWN,
                magnitude_cents=magnitude,
                confidence=signal_pb2.CONFIDENCE_HIGH,
                take_profit_cents=take_profit,
                stop_loss_cents=stop_loss,
            )

    def hush(self) -> None:
        """Let nothing move any more."""
        self.signals = {}

    def GetModel(self, request: pb.GetModelRequest, context: grpc.ServicerContext) -> pb.GetModelResponse:  # noqa: N802
        identity = model_pb2.ModelIdentity(name="scripted", weights_digest="0" * 64)
        return pb.GetModelResponse(
            model=model_pb2.Model(identity=identity, state=model_pb2.MODEL_STATE_READY), instance_id="scripted"
        )

    def StreamSignals(  # noqa: N802
        self, request_iterator: Iterator[pb.StreamSignalsRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.StreamSignalsResponse]:
        header = next(request_iterator).header
        yield pb.StreamSignalsResponse(accepted=pb.ScanAccepted(scan_id=header.scan_id, instance_id="scripted"))
        histories = [history for request in request_iterator for history in request.batch.histories]
        results = [self._result(index, history) for index, history in enumerate(histories)]
        signals = sum(result.HasField("signal") for result in results)
        yield pb.StreamSignalsResponse(results=pb.SignalBatch(results=results))
        yield pb.StreamSignalsResponse(
            summary=pb.ScanSummary(
                input_count=len(results), signal_count=signals, no_signal_count=len(results) - signals
            )
        )
        self.scans += 1

    def GenerateSignals(  # noqa: N802
        self, request: pb.GenerateSignalsRequest, context: grpc.ServicerContext
    ) -> pb.GenerateSignalsResponse:
        raise NotImplementedError

    def GenerateForecasts(  # noqa: N802
        self, request: pb.GenerateForecastsRequest, context: grpc.ServicerContext
    ) -> pb.GenerateForecastsResponse:
        raise NotImplementedError

    def ListExitPolicies(  # noqa: N802
        self, request: pb.ListExitPoliciesRequest, context: grpc.ServicerContext
    ) -> pb.ListExitPoliciesResponse:
        raise NotImplementedError

    def _result(self, index: int, history: forecast_pb2.MarketHistory) -> signal_pb2.SignalResult:
        result = signal_pb2.SignalResult(input_index=index, market_ticker=history.market_ticker)
        said = self.signals.get(history.market_ticker)
        if said is None:
            result.no_signal.reason = signal_pb2.NO_SIGNAL_REASON_BELOW_THRESHOLD
            return result
        result.signal.CopyFrom(said)
        current = history.current_price_cents
        moved = said.magnitude_cents * (1 if said.direction == signal_pb2.DIRECTION_UP else -1)
        result.signal.current_price_cents = current
        result.signal.forecast_mean_cents = result.signal.forecast_end_cents = min(max(current + moved, 0.0), 100.0)
        result.signal.path.horizon_steps = 6
        result.signal.provenance.policy_version = "scripted"
        return result


@contextmanager
def serving(forecasts: ScriptedForecasts, address: str = "127.0.0.1:0") -> Iterator[str]:
    """Serve them; gives the address."""
    with ThreadPoolExecutor(4) as workers:
        server = grpc.server(workers)
        rpc.add_ForecastServiceServicer_to_server(forecasts, server)
        port = server.add_insecure_port(address)
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(0).wait()


@dataclass
class TraderProcess:
    """The process, its journal, and the account at the exchange where it has one."""

    name: str
    """Of its account at the exchange, where it has one."""
    daemon: Daemon
    folder: Path
    journal: Path
    account: Call | None = None
    _read: list[AnyEntry] = field(default_factory=list)

    @property
    def kill_switch(self) -> Path:
        """The file that stops entries."""
        return self.folder / "state" / "stop"

    @property
    def call(self) -> Call:
        """Calls the exchange as the owner of the account."""
        assert self.account is not None
        return self.account

    def cash(self) -> int:
        """Micros that are free at the exchange."""
        status, balance = self.call("GET", "/portfolio/balance")
        assert status == 200, balance
        return micros_from_dollars(balance["balance_dollars"])

    def again(self) -> "TraderProcess":
        """Another process with the same configuration and files; its log is its own."""
        log = self.folder / f"{self.daemon.log.name}-again"
        return replace(self, daemon=Daemon(self.daemon.command, log), _read=[])

    def start(self) -> None:
        """Start it, once more if it has ended, and wait until it trades."""
        before = len(self.daemon.entries("ready")) if self.daemon.log.exists() else 0
        self.daemon.start()
        self.daemon.wait_for("ready", before + 1)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.daemon.kill()

    def stop(self) -> int:
        """End it in order; gives the exit code. What its journal says was decided is decided so again."""
        code = self.daemon.stop()
        with reading(self.journal) as reader:
            found = replay(reader, version("foremesh")).decisions
        assert not found.differing, found.differing[0]
        assert {why for _, why in found.unmade} <= {Unmade.BY_A_PERSON}, found.unmade
        return code

    def books(self) -> Books:
        """Fold the journal as it is now."""
        with reading(self.journal) as reader:
            return folded(reader.journal_id, reader.read(), audited=True)

    def written(self, kind: type[E]) -> list[E]:
        """Every entry of a kind that is on disk."""
        with reading(self.journal) as reader:
            self._read += [recorded.entry for recorded in reader.read(len(self._read))]
        return [entry for entry in self._read if isinstance(entry, kind)]

    def wait(
        self, kind: type[E], count: int = 1, *, such: Callable[[E], bool] = lambda _: True, seconds: float = 20.0
    ) -> E:
        """Wait until so many entries of a kind are on disk, and give the last of them."""

        def found() -> list[E]:
            entries = [entry for entry in self._written(kind) if such(entry)]
            return entries if len(entries) >= count else []

        entries: list[E] = wait_for(found, seconds, why=f"no {kind.__name__} in {self.journal}\n{self.daemon.said()}")
        return entries[-1]

    def wait_flat(self, seconds: float = 20.0) -> None:
        """Wait until nothing is held and nothing works."""
        self._wait_books(lambda books: not books.positions and not books.working, seconds)

    def wait_settled(self, seconds: float = 40.0) -> None:
        """Wait until the account was read and no order of the past is on its way any more."""
        self._wait_books(lambda books: books.expected_cash is not None and not books.working, seconds)

    def _wait_books(self, such: Callable[[Books], bool], seconds: float) -> None:
        until = time.monotonic() + seconds
        while not such(self.books()):
            assert time.monotonic() < until, self.daemon.said()
            time.sleep(0.1)  # folding a journal is not for nothing

    def _written(self, kind: type[E]) -> list[E]:
        try:
            return self.written(kind)
        except JournalError:  # the very first moments: there is no journal yet
            assert not self.daemon.ended, self.daemon.said()
            return []


@dataclass
class TradingDesk:
    """An exchange, forecasts, and everything that is done to them."""

    folder: Path
    exchange: ExchangeProcess
    forecasts: ScriptedForecasts
    forecast_address: str
    _exchange_config: str
    _exchange_settings: tuple[str, ...]
    traders: list[TraderProcess] = field(default_factory=list)
    _given: set[str] = field(default_factory=set)
    _quotes: dict[str, list[str]] = field(default_factory=dict)

    def trader(self, name: str, *settings: str, mode: str = "demo") -> TraderProcess:
        """Make a trader with an account of its own; `settings` as `--set` takes them. It is not started."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "trader.toml").write_text(TRADER)
        words = [
            f"mode={mode}",
            f"state_folder={folder / 'state'}",
            f"paper.file={folder / 'paper.sqlite'}",
            f"kalshi.host={self.exchange.url}",
            "kalshi.unauthenticated_per_second=100",
            f'forecast.targets=["{self.forecast_address}"]',
        ]
        account, owner = None, ""
        if mode != "paper":
            number = sum(other.account is not None for other in self.traders)
            owner = f"trader-{number}"
            account = self._account(owner)
            words += self.key(owner)
        options = [word for setting in (*words, *settings) for word in ("--set", setting)]
        command = [str(BIN / "foremesh-trader"), "--config", str(folder / "trader.toml"), *options]
        journal = folder / "state" / f"{mode}.journal"
        made = TraderProcess(owner, Daemon(command, folder / "log"), folder, journal, account)
        self.traders.append(made)
        return made

    def key(self, owner: str) -> list[str]:
        """Settings that give a trader the key of an account."""
        return [f"kalshi.key_id={owner}", f"kalshi.private_key_file={self.folder / f'{owner}.key'}"]

    def ticker(self) -> str:
        """An open market with candles and hours to live that nobody has had since it was last quiet."""
        now = datetime.now(UTC)
        listed = self.exchange.get("/markets?status=open&series_ticker=KXHIGHNY&limit=200")["markets"]
        for market in sorted(listed, key=lambda each: str(each["ticker"])):
            ticker, left = str(market["ticker"]), datetime.fromisoformat(market["close_time"]) - now
            if ticker not in self._given and left > timedelta(hours=1) and self._has_candles(ticker, now):
                self._given.add(ticker)
                return ticker
        raise AssertionError("every market has been given out")

    def _has_candles(self, ticker: str, now: datetime) -> bool:
        """Tell whether anything has happened in a market: without a past nothing is forecast."""
        start, end = int((now - timedelta(hours=5)).timestamp()), int(now.timestamp())
        path = f"/series/KXHIGHNY/markets/{ticker}/candlesticks?start_ts={start}&end_ts={end}&period_interval=60"
        return bool(self.exchange.get(path)["candlesticks"])

    def quiet(self) -> None:
        """End every trader, and let nothing be wrong and nothing be forecast."""
        for trader in self.traders:
            trader.kill()
        self.heal()
        self.forecasts.hush()
        self._given.clear()

    def quote(self, ticker: str, *, bid: int | None, ask: int | None, size: float = LARGE) -> None:
        """Let somebody bid and ask for NO, in cents; what stands in the way is taken first."""
        maker = self._account("maker")
        for order_id in self._quotes.pop(ticker, []):
            maker("DELETE", f"/portfolio/events/orders/{order_id}")
        placed = []
        for side, price in ((BookSide.ASK, bid), (BookSide.BID, ask)):  # who bids for NO asks for YES
            if price is None:  # nobody at all: what stands there is taken
                self._place(maker, ticker, side=OPPOSITE[side], cents=99 if side is BookSide.ASK else 1, size=size)
            else:
                placed.append(self._place(maker, ticker, side=side, cents=100 - price, size=size, waits=True))
        self._quotes[ticker] = placed

    @contextmanager
    def exchange_again(self) -> Iterator[None]:
        """Start the exchange once more, from what it has on disk; with `listen` in the desk's settings where it was."""
        with exchange_process(self.folder, self._exchange_config, *self._exchange_settings) as running:
            self.exchange = running
            yield

    def fault(self, **rule: Any) -> None:
        """Let something go wrong."""
        status, body = self.exchange.admin("POST", "/faults", rule)
        assert status < 300, body

    @staticmethod
    def orders(trader: TraderProcess) -> dict[str, str]:
        """What a fault of a trader's new orders names."""
        return {"method": "POST", "path": "*/portfolio/events/orders", "account": trader.name}

    def faults(self) -> list[dict[str, Any]]:
        """The faults in force, and how often each has struck."""
        rows: list[dict[str, Any]] = self.exchange.admin("GET", "/faults")[1]["faults"]
        return rows

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self.exchange.admin("DELETE", "/faults")

    @staticmethod
    def _place(maker: Call, ticker: str, *, side: BookSide, cents: int, size: float, waits: bool = False) -> str:
        body = {
            "ticker": ticker,
            "client_order_id": f"maker-{time.monotonic_ns()}",
            "side": side.value,
            "count": f"{size:.2f}",
            "price": f"{cents / 100:.4f}",
            "time_in_force": "good_till_canceled" if waits else "immediate_or_cancel",
            "self_trade_prevention_type": "taker_at_cross",
        }
        status, answer = maker("POST", "/portfolio/events/orders", body)
        assert status == 201, answer
        return str(answer["order_id"])

    def _account(self, name: str) -> Call:
        private = load_pem_private_key((self.folder / f"{name}.key").read_bytes(), None)
        assert isinstance(private, Ed25519PrivateKey)
        signer = Signer(private, name)

        def call(method: str, path: str, body: Any = None) -> tuple[int, Any]:
            return request(self.exchange.url + PREFIX + path, method, body, signer.headers(method, PREFIX + path))

        return call


def _accounts(folder: Path) -> str:
    """Make key files of the maker and of every trader's account, and give the exchange's tables of them."""
    tables = []
    for name in ("maker", *(f"trader-{number}" for number in range(ACCOUNTS))):
        private = Ed25519PrivateKey.generate()
        key, public = folder / f"{name}.key", folder / f"{name}.pub"
        key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        key.chmod(0o600)
        public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        cash = "100000000.00" if name == "maker" else "1000.00"
        tables.append(
            f'[[accounts]]\nname = "{name}"\nkey_id = "{name}"\npublic_key_file = "{public}"\n'
            f'cash_dollars = "{cash}"\ntier = "unlimited"\n'
        )
    return "".join(tables)


@contextmanager
def trading(folder: Path, *settings: str, exchange: str = EXCHANGE) -> Iterator[TradingDesk]:
    """Start exchange and forecasts; traders that were made are killed at the end."""
    forecasts, config = ScriptedForecasts(), exchange + _accounts(folder)
    with exchange_process(folder, config, *settings) as running, serving(forecasts) as address:
        desk = TradingDesk(folder, running, forecasts, address, config, settings)
        try:
            yield desk
        finally:
            for trader in desk.traders:
                trader.kill()


def books_equal(trader: TraderProcess) -> None:
    """Hold the trader's books against the exchange's own: orders, contracts, fees and cash, to the micro."""
    books, call = trader.books(), trader.call
    orders = every(call, "orders")
    fills = every(call, "fills")
    ours = {order.terms.client_order_id: order for order in books.orders.values() if order.order_id is not None}
    assert {order["client_order_id"] for order in orders} == set(ours)
    for order in orders:
        mine = ours[order["client_order_id"]]
        assert hundredths_from_count(order["fill_count_fp"]) == mine.filled == mine.seen, order
        fees = micros_from_dollars(order["taker_fees_dollars"]) + micros_from_dollars(order["maker_fees_dollars"])
        assert fees == mine.fees, order
    assert {fill["trade_id"] for fill in fills} == books.fills
    held: dict[str, int] = {}
    for position in books.positions.values():
        held[position.market.ticker] = held.get(position.market.ticker, 0) - position.count
    positions = [row for row in every(call, "positions") if row["position_fp"] not in {"0.00", "0"}]
    assert {row["ticker"]: hundredths_from_count(row["position_fp"]) for row in positions} == {
        ticker: count for ticker, count in held.items() if count
    }
    assert trader.cash() == books.expected_cash
    entries = [order.terms.decision_id for order in books.orders.values() if order.terms.purpose is Purpose.ENTRY]
    assert len(entries) == len(set(entries)), "two entries for one decision"


def every(call: Call, what: str) -> list[dict[str, Any]]:
    """Read a list of the account's to its end."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        status, body = call(
            "GET", f"/portfolio/{what}?limit=200&cursor={cursor}" if cursor else f"/portfolio/{what}?limit=200"
        )
        assert status == 200, body
        rows += body["market_positions" if what == "positions" else what]
        cursor = body.get("cursor", "")
        if not cursor:
            return rows
