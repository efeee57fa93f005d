"""Random commands to an exchange, as data: the same list can be run twice, or half of it elsewhere."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from mesh.kalshi.grid import GRIDS
from mesh.kalshi.terms import FeeType, Result, SelfTradePrevention
from mesh.types import Hundredths, Micros
from sim_exchange.domain.events import Happening
from sim_exchange.domain.exchange import SHARDS, Exchange
from sim_exchange.domain.results import PauseScope, State
from sim_exchange.domain.types import Account, Amendment, NewOrder, PriceBand, Refused
from sim_exchange.quirks import Quirks
from tests.fakes.exchange_engine import ASK, BID, CLOSE, FOK, GTC, IOC, NOW, event, market, series, usd

MEMBERS = ("ann", "ben", "cat")
PLAIN, FINE, SHORT = "KXA-1-T1", "KXB-1-T1", "KXA-1-T2"
"""Whole cents; fine edges, maker fees, another shard; closes after a minute."""
TICKERS = (PLAIN, FINE, SHORT)
_TAPERED = tuple(PriceBand(*band) for band in GRIDS["tapered_deci_cent"])


class Command(NamedTuple):
    """One call: what, and its arguments; references to orders and groups are places in the list of all so far."""

    kind: str
    arguments: tuple[Any, ...]


members = st.sampled_from(MEMBERS)
tickers = st.sampled_from(TICKERS)
sides = st.sampled_from([BID, ASK])
whole_prices = st.sampled_from([300_000, 450_000, 480_000, 490_000, 500_000, 510_000, 700_000])
prices = st.one_of(whole_prices, whole_prices, st.sampled_from([1_000, 5_000, 505_000, 991_000]))
counts = st.sampled_from([1, 37, 100, 250, 700, 1_000, 5_000])
places = st.integers(0, 1_000)
ladders = st.dictionaries(whole_prices, counts, max_size=3)


def _command(kind: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Command]:
    return st.builds(Command, st.just(kind), st.tuples(*arguments))


_place = _command(
    "place",
    members,
    tickers,
    sides,
    prices,
    counts,
    st.sampled_from([GTC, GTC, GTC, GTC, IOC, FOK]),
    st.sampled_from([SelfTradePrevention.TAKER_AT_CROSS, SelfTradePrevention.MAKER]),
    st.sampled_from(["", "", "", "post", "reduce", "pause", "expires", "group"]),
    places,
)

# Common things often and ends of markets seldom, or most runs would end before they begin.
_BY_WEIGHT = [
    (30, _place),
    (4, _command("cancel", members, places)),
    (3, _command("decrease", members, places, counts)),
    (6, _command("amend", members, places, whole_prices, counts)),
    (1, _command("cancel_all", members)),
    (3, _command("wait", st.sampled_from([1, 5, 14, 16]))),
    (2, _command("create_group", members, st.sampled_from([100, 700, 5_000]))),
    (1, _command("limit_group", members, places, st.sampled_from([100, 700]))),
    (2, _command("end_group", members, places, st.sampled_from(["reset", "trigger", "delete"]))),
    (1, _command("transfer", members, st.integers(1, 1_000))),
    (4, _command("ladder", tickers, ladders, ladders)),
    (4, _command("house", tickers, sides, whole_prices, counts)),
    (1, _command("pause", st.sampled_from([PauseScope.MARKET, PauseScope.TRADING]), tickers)),
    (2, _command("resume", tickers)),
    (
        1,
        _command(
            "determine", tickers, st.sampled_from([Result.YES, Result.NO, Result.SCALAR]), st.integers(0, 1_000_000)
        ),
    ),
    (1, _command("move_close", tickers, st.integers(0, 120))),
]
commands = st.sampled_from([one for weight, one in _BY_WEIGHT for _ in range(weight)]).flatmap(lambda chosen: chosen)

settings = st.builds(
    Quirks,
    rounding_fee_on_free_maker_fills=st.booleans(),
    affordable_at=st.sampled_from(["limit_and_fee", "limit"]),
    fill_or_kill_counts_own_orders=st.booleans(),
    post_only_sees_own_orders=st.booleans(),
    decrease_beyond_remaining=st.sampled_from(["cancels", "refused"]),
)
precisions = st.sampled_from([100, 10_000]).map(Micros)


class Runner:
    """An exchange with three markets and three members, and the time it has."""

    def __init__(self, quirks: Quirks, precision: Micros) -> None:
        self.exchange = Exchange(seed=3, quirks=quirks)
        self.now = NOW
        self.entered = 0
        self.groups: dict[str, list[str]] = {name: [] for name in MEMBERS}
        for item in (
            series("KXA"),
            series("KXB", fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES),
            event("KXA-1", "KXA"),
            event("KXB-1", "KXB"),
            market(PLAIN),
            market(FINE, exchange_index=2, price_ranges=_TAPERED),
            market(SHORT, close_time=NOW + timedelta(minutes=1), settlement_timer_seconds=10),
        ):
            self.exchange.list(item, NOW)
        for name in MEMBERS:
            account = Account(account_id=name, name=name, balance_precision=precision)
            self.exchange.open_account(account, {0: usd(20), 2: usd(10)})

    def run(self, command: Command) -> str:
        """Do one command and tell how it went."""
        do: Callable[..., None] = getattr(self, f"_{command.kind}")
        try:
            do(*command.arguments)
        except Refused as refused:
            return str(refused)
        return "done"

    def run_all(self, todo: Sequence[Command]) -> tuple[list[str], Sequence[Happening]]:
        """Do all commands; how they went, and what happened."""
        went = [self.run(command) for command in todo]
        return went, self.exchange.take_events()

    def moved(self, quirks: Quirks) -> "Runner":
        """The same members at an exchange restored from this one's public state."""
        other = Runner.__new__(Runner)
        other.exchange = Exchange(seed=3, quirks=quirks)
        other.now, other.entered = self.now, self.entered
        other.groups = {name: list(groups) for name, groups in self.groups.items()}
        other.exchange.restore(state_of(self.exchange), self.now)
        return other

    def _order_of(self, name: str, place: int) -> str:
        orders = self.exchange.orders_of(name)
        return orders[-1 - place % min(len(orders), 8)].order_id if orders else "none"

    def _group_of(self, name: str, place: int) -> str:
        groups = self.groups[name]
        return groups[place % len(groups)] if groups else "none"

    def _place(self, name: str, *wanted: Any) -> None:
        ticker, side, price, count, tif, prevention, flag, place = wanted
        tif = {"reduce": IOC, "post": GTC, "expires": GTC}.get(flag, tif)
        fits = price if ticker == FINE else max(10_000, price // 10_000 * 10_000)
        self.entered += 1
        self.exchange.place(
            name,
            NewOrder(
                ticker=ticker,
                side=side,
                price=Micros(fits),
                count=Hundredths(count),
                time_in_force=tif,
                self_trade_prevention=prevention,
                client_order_id=f"id {self.entered - (place % 10 == 1)}",
                post_only=flag == "post",
                reduce_only=flag == "reduce",
                cancel_order_on_pause=flag == "pause",
                expiration_time=self.now + timedelta(seconds=10) if flag == "expires" else None,
                order_group_id=self._group_of(name, place) if flag == "group" and self.groups[name] else None,
            ),
            self.now,
        )

    def _cancel(self, name: str, place: int) -> None:
        self.exchange.cancel(name, self._order_of(name, place), self.now)

    def _decrease(self, name: str, place: int, count: int) -> None:
        self.exchange.decrease(name, self._order_of(name, place), reduce_by=Hundredths(count), now=self.now)

    def _amend(self, name: str, place: int, price: int, count: int) -> None:
        order = self.exchange.orders.get(self._order_of(name, place))
        if order is not None:
            terms = Amendment(ticker=order.ticker, side=order.side, price=Micros(price), count=Hundredths(count))
            self.exchange.amend(name, order.order_id, terms, self.now)

    def _cancel_all(self, name: str) -> None:
        self.exchange.cancel_all(name, self.now)

    def _wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.exchange.advance(self.now)

    def _create_group(self, name: str, limit: int) -> None:
        self.groups[name].append(self.exchange.create_group(name, Hundredths(limit), self.now).group_id)

    def _limit_group(self, name: str, place: int, limit: int) -> None:
        self.exchange.set_group_limit(name, self._group_of(name, place), Hundredths(limit), self.now)

    def _end_group(self, name: str, place: int, how: str) -> None:
        ends = {
            "reset": self.exchange.reset_group,
            "trigger": self.exchange.trigger_group,
            "delete": self.exchange.delete_group,
        }
        ends[how](name, self._group_of(name, place), self.now)

    def _transfer(self, name: str, steps: int) -> None:
        self.exchange.transfer(name, 0, 2, Micros(steps * 10_000), self.now)

    def _ladder(self, ticker: str, bids: dict[int, int], asks: dict[int, int]) -> None:
        top = max(bids, default=0)
        self.exchange.set_book(
            ticker,
            [(price, Hundredths(count)) for price, count in bids.items()],
            [(price, Hundredths(count)) for price, count in asks.items() if price > top],
            self.now,
        )

    def _house(self, ticker: str, side: Any, price: int, count: int) -> None:
        self.exchange.house_trade(ticker, side, Micros(price), Hundredths(count), self.now)

    def _pause(self, scope: PauseScope, ticker: str) -> None:
        shard = self.exchange.markets[ticker].exchange_index
        self.exchange.pause(scope, ticker if scope is PauseScope.MARKET else shard, self.now)

    def _resume(self, ticker: str) -> None:
        self.exchange.resume(PauseScope.TRADING, self.exchange.markets[ticker].exchange_index, self.now)
        self.exchange.resume(PauseScope.MARKET, ticker, self.now)

    def _determine(self, ticker: str, result: Result, value: int) -> None:
        self.exchange.determine(ticker, result, Micros(value), "", self.now)

    def _move_close(self, ticker: str, seconds: int) -> None:
        self.exchange.move_close(ticker, min(CLOSE, self.now + timedelta(seconds=seconds)), self.now)


def state_of(exchange: Exchange) -> State:
    """All that a restart needs, from what anybody can read."""
    everybody = [*exchange.accounts, *exchange.house_accounts]
    return State(
        issued=exchange.issued,
        series=list(exchange.series.values()),
        events=list(exchange.events.values()),
        markets=list(exchange.markets.values()),
        accounts=list(exchange.accounts.values()),
        cash={(name, shard): exchange.cash(name, shard) for name in everybody for shard in SHARDS},
        orders=list(exchange.orders.values()),
        fills=[fill for name in exchange.accounts for fill in exchange.fills_of(name)],
        positions=[position for name in everybody for position in exchange.positions_of(name)],
        settlements=[settlement for name in exchange.accounts for settlement in exchange.settlements_of(name)],
        groups=[group for name in exchange.accounts for group in exchange.groups_of(name)],
        used_client_order_ids={name: exchange.client_order_ids_of(name) for name in exchange.accounts},
        pauses=list(exchange.pauses),
        fees_collected=exchange.fees_collected,
        deposited=exchange.deposited,
    )


def later(now: datetime) -> datetime:
    """Long after every close and timer."""
    return max(now, CLOSE) + timedelta(days=1)
