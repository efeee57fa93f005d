"""What the exchange did, into the store; and an exchange as it was, out of it.

What a member is told of is on disk before he is told. Volumes, candles and public trades are kept only of markets that
a member ever ordered in: until his first order a market is what its source says, and the source says it again after a
restart.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from mesh.kalshi.terms import UpdateReason
from mesh.types import Micros
from sim_exchange.api.archive import Archive
from sim_exchange.domain.events import (
    AccountOpened,
    CashChanged,
    Filled,
    GroupChanged,
    Happening,
    Listed,
    MarketChanged,
    OrderChanged,
    PositionChanged,
    Settled,
    Traded,
    TradingChanged,
    Transferred,
)
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.results import PauseScope, State
from sim_exchange.domain.types import (
    Account,
    Event,
    Fill,
    Market,
    Order,
    OrderGroup,
    Position,
    Series,
    Settlement,
    Trade,
)
from sim_exchange.store import Store
from sim_exchange.tape.tape import Saved, Tape

_ISSUED = "ids issued"
_TIME = "exchange time"
_FEES = "fees collected"
_DEPOSITED = "deposited"
_IN_ORDER = "ended in order"
_INSTANT = timedelta(microseconds=1)
_SPARE_IDS = 1_000_000
"""More than can have been used up since the last flush when a process is killed."""


class Cash(Struct, frozen=True):
    """An account's money on a shard."""

    account_id: str
    exchange_index: int
    amount: Micros


class Pause(Struct, frozen=True):
    """A pause by command."""

    scope: PauseScope
    exchange_index: int


class Used(Struct, frozen=True):
    """A client order id that its order has lost by an amendment."""

    account_id: str
    client_order_id: str


class Moved(Struct, frozen=True):
    """A cutoff of the archive that was put somewhere."""

    name: str
    time: datetime


class Recorder:
    """Subscriber of everything that happens; first in line, so that it is written before anybody hears of it.

    Once something could not be written nothing is any more, and nobody gets an answer: the exchange would go on
    without a memory.
    """

    def __init__(self, store: Store, exchange: Exchange, tape: Tape, now: Callable[[], datetime]) -> None:
        self._store = store
        self._exchange = exchange
        self._tape = tape
        self._now = now
        self._broken = False
        self._client_ids = {order.order_id: order.client_order_id for order in exchange.orders.values()}
        self._touched = {order.ticker for order in exchange.orders.values()}
        self._moved: set[str] = set()
        self._minutes = 0  # those that a restart made anew from trades are not written yet
        store.set_fact(_IN_ORDER, "")
        store.set_fact(_ISSUED, str(exchange.issued))
        store.commit()

    def __call__(self, happenings: Sequence[Happening]) -> None:
        """Write what one command left behind.

        Raises:
            RuntimeError: Something could not be written, now or earlier.
        """
        if self._broken:
            raise RuntimeError("the state could not be written")
        promised = False
        try:
            for happening in happenings:  # before its trades, which come first
                if isinstance(happening, OrderChanged):
                    self._touch(happening.order)
            for happening in happenings:
                promised |= self._write(happening)
            if promised:
                self._commit()
        except Exception:
            self._broken = True
            self._store.abandon()
            raise

    def flush(self) -> None:
        """Write what only the simulation itself did since the last time; once a second is enough."""
        if self._broken:
            return
        closed = self._tape.minutes_since(self._minutes)
        self._minutes, _ = self._tape.marks
        self._store.append("minute", [saved for saved in closed if saved.ticker in self._touched])
        self._store.set_fact(_ISSUED, str(self._exchange.issued))
        self._commit()

    def close(self) -> None:
        """Write the rest, at the end of the process."""
        self.flush()
        if self._broken:
            return
        left = self._tape.unfinished_minutes()
        self._store.append("minute", [saved for saved in left if saved.ticker in self._touched])
        self._store.set_fact(_IN_ORDER, "yes")
        self._store.commit()

    def _commit(self) -> None:
        """Put on disk what was written, with the figures that belong to it."""
        markets = self._exchange.markets
        self._store.put("market", [(ticker, markets[ticker]) for ticker in sorted(self._moved & self._touched)])
        self._moved.clear()
        self._store.set_fact(_TIME, self._now().isoformat())
        self._store.set_fact(_FEES, str(self._exchange.fees_collected))
        self._store.set_fact(_DEPOSITED, str(self._exchange.deposited))
        self._store.commit()

    def _write(self, happening: Happening) -> bool:
        """Write one thing; tells whether a member is told of it."""
        if (record := _record(happening)) is not None:
            kind, key, body = record
            self._store.put(kind, [(key, body)])
            return True
        match happening:
            case Filled(fill):
                self._store.append("fill", [fill])
            case Settled(settlement):
                self._store.append("settlement", [settlement])
            case Transferred():
                self._store.append("transfer", [happening])
            case TradingChanged():
                pauses = [Pause(scope, shard) for scope, shard in self._exchange.pauses]
                self._store.replace("pause", [(f"{pause.scope}/{pause.exchange_index}", pause) for pause in pauses])
            case Traded(trade, house_only):
                self._moved.add(trade.ticker)
                if trade.ticker in self._touched:
                    self._store.append("trade", [trade])
                return not house_only
            case _:
                self._write_market(happening)
                return False
        return True

    def _write_market(self, happening: Happening) -> None:
        match happening:
            case Listed(Series() as series):
                self._store.put("series", [(series.ticker, series)])
            case Listed(Event() as event):
                self._store.put("event", [(event.event_ticker, event)])
            case MarketChanged(market=market, announced=announced) if announced or market.ticker in self._touched:
                self._store.put("market", [(market.ticker, market)])
            case _:
                pass

    def _touch(self, order: Order) -> None:
        if order.ticker not in self._touched:
            self._touched.add(order.ticker)
            self._store.put("market", [(order.ticker, self._exchange.markets[order.ticker])])
            first = _minute_of(order.created_time)
            page, _ = self._tape.trades(order.ticker, min_ts=int(first.timestamp()))
            self._store.append("trade", [trade for trade in reversed(page) if trade.time > first])
        before = self._client_ids.get(order.order_id)
        if order.reason is UpdateReason.AMEND and before not in {None, order.client_order_id}:
            self._store.append("used", [Used(order.account_id, str(before))])
        self._client_ids[order.order_id] = order.client_order_id


def keep_cutoffs(store: Store, cutoffs: Mapping[str, datetime]) -> None:
    """Remember where cutoffs were put."""
    store.put("cutoff", [(name, Moved(name, time)) for name, time in cutoffs.items()])
    store.commit()


def restore_archive(store: Store, archive: Archive) -> None:
    """Put cutoffs where they were."""
    archive.move(**{moved.name: moved.time for moved in store.records("cutoff", Moved)})


def saved_time(store: Store) -> datetime | None:
    """Give the exchange's time when the store was last written; None if it never was."""
    text = store.fact(_TIME)
    return None if text is None else datetime.fromisoformat(text)


def restore_exchange(store: Store, exchange: Exchange, now: datetime) -> dict[str, datetime]:
    """Bring back the exchange; give, per market that members ordered in, since when its candles are kept."""
    orders = list(store.records("order", Order))
    used: dict[str, list[str]] = {}
    for lost in store.entries("used", Used):
        used.setdefault(lost.account_id, []).append(lost.client_order_id)
    state = State(
        issued=int(store.fact(_ISSUED) or 0) + (0 if store.fact(_IN_ORDER) else _SPARE_IDS),
        series=store.records("series", Series),
        events=store.records("event", Event),
        markets=store.records("market", Market),
        accounts=store.records("account", Account),
        cash={(cash.account_id, cash.exchange_index): cash.amount for cash in store.records("cash", Cash)},
        orders=orders,
        fills=store.entries("fill", Fill),
        positions=store.records("position", Position),
        settlements=store.entries("settlement", Settlement),
        groups=store.records("group", OrderGroup),
        transfers=store.entries("transfer", Transferred),
        used_client_order_ids=used,
        fees_collected=Micros(int(store.fact(_FEES) or 0)),
        deposited=Micros(int(store.fact(_DEPOSITED) or 0)),
        pauses=[(pause.scope, pause.exchange_index) for pause in store.records("pause", Pause)],
    )
    exchange.restore(state, now)
    kept: dict[str, datetime] = {}
    for order in orders:
        first = _minute_of(order.created_time)
        kept[order.ticker] = min(first, kept.get(order.ticker, first))
    return kept


def restore_tape(store: Store, tape: Tape, exchange: Exchange) -> None:
    """Bring back candles and trades of the markets that members ordered in, and their orders that rest."""
    tape.restore(store.entries("minute", Saved), store.entries("trade", Trade), exchange.orders.values())


def _record(happening: Happening) -> tuple[str, str, Struct] | None:
    """Give kind, key and body of what is kept in its latest state only."""
    match happening:
        case OrderChanged(order):
            return "order", order.order_id, order
        case CashChanged(account_id, shard, cash):
            return "cash", f"{account_id}/{shard}", Cash(account_id, shard, cash)
        case PositionChanged(position):
            return "position", f"{position.account_id}/{position.subaccount}/{position.ticker}", position
        case GroupChanged(_, group):
            return "group", group.group_id, group
        case AccountOpened(account):
            return "account", account.account_id, account
        case _:
            return None


def _minute_of(time: datetime) -> datetime:
    """Give the beginning of the one-minute candle that an instant belongs to; the beginning itself does not."""
    return (time - _INSTANT).replace(second=0, microsecond=0)
