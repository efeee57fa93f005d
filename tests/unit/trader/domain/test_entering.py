from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.kalshi.grid import GRIDS
from mesh.kalshi.sides import Action
from mesh.kalshi.terms import TimeInForce
from mesh.types import CENT, Hundredths, Micros, Price, Side, cost
from tests.fakes.trading import NOON, TICKER, book, cents, contracts, market, moment, signal
from trader.domain import ids
from trader.domain.entering import enter
from trader.domain.entries import (
    AnyEntry,
    CashSeen,
    Decided,
    Filled,
    OrderEnded,
    OrderIntended,
    OrderSent,
    PositionOpened,
    ScanStarted,
    ShadowPlaced,
)
from trader.domain.events import BookCame, ExchangeSeen, MarketSeen, SignalCame
from trader.domain.facts import Ending, FillFacts, MarketTerms, OrderTerms, SignalFacts, Top
from trader.domain.fold import apply
from trader.domain.settings import Settings
from trader.domain.state import Books, State
from trader.domain.watching import see
from trader.domain.words import EndReason, EntryStyle, ExchangeState, OrderState, Purpose, Verdict


class Floor:
    """A state, signals that come to it, and what becomes of the orders."""

    def __init__(self, cash: int = 100_000_000, **tables: dict[str, object]) -> None:
        self.state = State(Books("journal-1"), Settings.model_validate(tables))
        see(self.state.watch, ExchangeSeen(ExchangeState.OPEN), moment())
        see(self.state.watch, BookCame(book()), moment())
        self.write(CashSeen(cash=Micros(cash)))

    def write(self, *entries: AnyEntry) -> None:
        for entry in entries:
            apply(self.state.books, self.state.books.sequence + 1, NOON, entry)

    def signal(
        self, facts: SignalFacts | None = None, *, where: MarketTerms | None = None, scan: str = "scan-1"
    ) -> Sequence[AnyEntry]:
        event = SignalCame(scan, where or market(), facts or signal(), b"")
        see(self.state.watch, event, moment())
        entries = enter(self.state, event, moment())
        self.write(*entries)
        return entries

    def fill(self, order: OrderTerms, price: Price, count: Hundredths, fee: int) -> None:
        books = self.state.books
        books.orders[order.client_order_id].state = OrderState.RESTING
        if order.position_id not in books.positions:
            decided = books.decisions[order.decision_id]
            assert decided.plan is not None
            self.write(
                PositionOpened(
                    position_id=order.position_id,
                    market=decided.market,
                    side=order.side,
                    decision_id=order.decision_id,
                    ask=None,
                    plan=decided.plan.exit_plan,
                )
            )
        facts = FillFacts(
            fill_id=f"fill-{books.sequence}",
            order_id=order.client_order_id,
            ticker=order.ticker,
            side=order.side,
            action=order.action,
            price=price,
            count=count,
            fee=Micros(fee),
            taker=True,
            time=NOON,
        )
        self.write(
            Filled(fill=facts, client_order_id=order.client_order_id, position_id=order.position_id, expected_fee=None)
        )

    def end(self, order: OrderTerms) -> None:
        """The exchange ends an order; what it filled has come."""
        known = self.state.books.orders[order.client_order_id]
        if known.state is OrderState.INTENDED:
            self.write(OrderSent(client_order_id=order.client_order_id))
        self.write(
            OrderEnded(
                client_order_id=order.client_order_id,
                state=OrderState.EXPIRED,
                order_id=None,
                filled=known.seen,
                ending=Ending(reason=EndReason.EXPIRY),
            )
        )


def ordered(entries: Sequence[AnyEntry]) -> OrderTerms:
    return next(entry.order for entry in entries if isinstance(entry, OrderIntended))


def decided(entries: Sequence[AnyEntry]) -> Decided:
    found = entries[0]
    assert isinstance(found, Decided)
    return found


def rest(**changes: object) -> dict[str, object]:
    return {"style": EntryStyle.REST} | changes


def test_an_entry_takes_the_ask_with_slippage_and_is_ended_by_the_exchange() -> None:
    floor = Floor()
    entries = floor.signal()
    assert [type(entry) for entry in entries] == [Decided, OrderIntended, ShadowPlaced]
    name = ids.decision_id("journal-1", "scan-1", TICKER)
    assert ordered(entries) == OrderTerms(
        client_order_id=ids.client_order_id("journal-1", name, 0),
        decision_id=name,
        leg=0,
        position_id=ids.position_id("journal-1", name),
        ticker=TICKER,
        event_ticker="KXHIGHNY-26NOV23",
        series_ticker="KXHIGHNY",
        side=Side.NO,
        action=Action.BUY,
        purpose=Purpose.ENTRY,
        limit=cents(58),
        count=contracts(5),
        time_in_force=TimeInForce.GOOD_TILL_CANCELED,
        expire_time=moment(15).now,
        exchange_index=0,
    )


def test_a_decision_shows_what_it_saw_and_what_it_plans() -> None:
    floor = Floor()
    see(floor.state.watch, BookCame(book(no_asks=[(56, 3), (57.0, 4), (59, 50)])), moment(-2))
    made = decided(floor.signal())
    assert made.top == Top(
        bid=cents(54), bid_size=contracts(100), ask=cents(56), ask_size=contracts(3), age_seconds=2.0
    )
    plan = made.plan
    assert plan is not None
    assert (plan.ask, plan.limit, plan.count, plan.style) == (cents(56), cents(58), contracts(5), EntryStyle.TAKE)
    assert (plan.depth, plan.depth_cost, plan.depth_levels) == (contracts(7), 3_960_000, 2)
    assert plan.most_cost == 2_900_000 + 85_260 + 500 + 10_000
    assert plan.edge_cents == pytest.approx(66 - 58 - 7 * 0.58 * 0.42 - 7 * 0.66 * 0.34)
    assert (plan.exit_plan.take_profit, plan.exit_plan.stop_loss) == (cents(78), cents(50))


def test_a_refused_decision_orders_nothing_and_still_shows_its_plan() -> None:
    entries = Floor().signal(signal(4.0))
    made = decided(entries)
    assert len(entries) == 1
    assert not made.entered
    assert made.plan is not None


def test_a_market_is_decided_on_once_in_a_scan_and_again_in_the_next() -> None:
    floor = Floor()
    order = ordered(floor.signal())
    assert floor.signal() == []
    floor.end(order)
    assert floor.signal() == []
    assert ordered(floor.signal(scan="scan-2")).client_order_id != order.client_order_id


def test_a_further_entry_adds_to_the_open_position() -> None:
    floor = Floor()
    first = ordered(floor.signal())
    floor.fill(first, cents(56), contracts(2), 35_000)
    floor.end(first)
    floor.state.watch.exit_pass = moment().seconds
    assert ordered(floor.signal(scan="scan-2")).position_id == first.position_id


def adding(
    no_bid: float,
    no_ask: float,
    facts: SignalFacts | None = None,
    exits: dict[str, object] | None = None,
    stop: float | None = 48,
) -> Decided:
    """Decide about a further entry beside a position of 56c that is sold at 76c and stopped at 48c."""
    floor = Floor(exits=exits or {})
    order = ordered(floor.signal(signal(take_profit_cents=18.0)))
    floor.fill(order, cents(56), contracts(2), 35_000)
    floor.end(order)
    floor.state.watch.exit_pass = moment().seconds
    held = floor.state.books.positions[order.position_id]
    level = None if stop is None else cents(stop)
    held.plan = msgspec.structs.replace(held.plan, take_profit=cents(76), stop_loss=level)
    held.peak = cents(70)
    see(floor.state.watch, BookCame(book(no_bids=[(no_bid, 50)], no_asks=[(no_ask, 50)])), moment())
    made = decided(floor.signal(facts or signal(24.0, current=50.0), scan="scan-2"))
    assert made.plan is None or made.plan.exit_plan == held.plan
    return made


def refusing(made: Decided) -> list[str]:
    return [finding.rule for finding in made.findings if finding.verdict is Verdict.REFUSED]


@pytest.mark.parametrize(("bid", "rules"), [(47, ["stop_distance"]), (48, ["stop_distance"]), (49, [])])
def test_nothing_is_added_at_the_stop_of_the_position_that_it_would_be_sold_by(bid: float, rules: list[str]) -> None:
    assert refusing(adding(bid, bid + 3)) == rules


def test_nothing_is_added_at_a_trailing_stop_that_has_passed_the_stop() -> None:
    exits: dict[str, object] = {"trailing_from_cents": 5.0, "trailing_distance_cents": 12.0}
    assert refusing(adding(58, 60, exits=exits)) == ["stop_distance"]
    assert refusing(adding(59, 61, exits=exits)) == []


def test_nothing_is_added_at_a_trailing_stop_where_there_is_no_other() -> None:
    exits: dict[str, object] = {"trailing_from_cents": 5.0, "trailing_distance_cents": 12.0, "stop_loss": False}
    assert refusing(adding(58, 60, exits=exits, stop=None)) == ["stop_distance"]
    assert refusing(adding(59, 61, exits=exits, stop=None)) == []


def test_nothing_is_added_above_the_target_that_it_would_be_sold_at() -> None:
    facts = signal(24.0, current=30.0)
    assert refusing(adding(74, 75, facts)) == ["edge"]
    assert refusing(adding(64, 65, facts)) == []


def test_what_is_learnt_of_a_market_during_a_scan_outlives_its_signal_which_was_listed_before() -> None:
    floor, moved = Floor(), market(closes=timedelta(hours=1))
    see(floor.state.watch, MarketSeen(moved, trading=True), moment())
    floor.signal()
    assert floor.state.watch.terms[TICKER] == moved


def test_the_limit_lies_on_the_markets_prices() -> None:
    floor = Floor(entries={"slippage_share": 0.2})
    where = msgspec.structs.replace(market(), bands=GRIDS["tapered_deci_cent"])
    see(floor.state.watch, BookCame(book(no_bids=[(89.5, 10)], no_asks=[(89.7, 10)])), moment())
    facts = signal(12.0, current=10.4, forecast_mean_cents=0.0)
    plan = decided(floor.signal(facts, where=where)).plan
    assert plan is not None
    assert plan.limit == cents(91.7)
    coarse = decided(floor.signal(facts, scan="scan-2")).plan
    assert coarse is not None
    assert coarse.limit == cents(91)


def test_slippage_never_reaches_a_dollar() -> None:
    floor = Floor()
    see(floor.state.watch, BookCame(book(no_bids=[(97, 10)], no_asks=[(98, 10)])), moment())
    plan = decided(floor.signal(signal(20.0))).plan
    assert plan is not None
    assert plan.limit == cents(99)


# Resting entries


@pytest.mark.parametrize(
    ("ticks", "bid", "ask", "limit"),
    [(0, 54, 56, 54), (1, 54, 56, 55), (2, 54, 56, 55), (9, 50, 58, 57), (0, 54, 55, 54), (3, 54, 55, 54)],
)
def test_a_resting_entry_waits_at_the_bid_or_inside_but_below_the_ask(
    ticks: int, bid: float, ask: float, limit: float
) -> None:
    floor = Floor(entries=rest(improve_ticks=ticks))
    see(floor.state.watch, BookCame(book(no_bids=[(bid, 10)], no_asks=[(ask, 10)])), moment())
    entries = floor.signal(signal(stop_loss_cents=12.0))
    order = ordered(entries)
    assert (order.limit, order.post_only, order.reduce_only) == (cents(limit), True, False)
    assert (order.time_in_force, order.expire_time) == (TimeInForce.GOOD_TILL_CANCELED, moment(15).now)
    assert len(entries) == 2, "a resting entry has no shadow"


def test_without_a_bid_a_resting_entry_has_nowhere_to_wait() -> None:
    floor = Floor(entries=rest())
    see(floor.state.watch, BookCame(book(no_bids=[])), moment())
    made = decided(floor.signal())
    assert made.plan is None
    assert made.findings[3].detail == "no bid to rest at"


# Shadows


def test_beside_a_taken_entry_a_virtual_one_waits_at_the_bid_behind_everybody() -> None:
    entries = Floor().signal()
    order = ordered(entries)
    assert entries[2] == ShadowPlaced(
        decision_id=order.decision_id,
        position_id=order.position_id,
        ticker=TICKER,
        side=Side.NO,
        price=cents(54),
        count=contracts(5),
        ahead=contracts(100),
        until=moment(3600).now,
    )


def test_a_virtual_order_does_not_outlive_its_market() -> None:
    shadow = Floor().signal(where=market(closes=timedelta(minutes=20)))[2]
    assert isinstance(shadow, ShadowPlaced)
    assert shadow.until == moment(1200).now


def test_no_virtual_order_where_the_owner_wants_none() -> None:
    assert len(Floor(entries={"shadow": False}).signal()) == 2


# Size


def test_where_the_exchange_pauses_before_the_horizon_ends_less_is_bought() -> None:
    pause = ((moment(5 * 3600).now, moment(7 * 3600).now),)
    later = ((moment(6 * 3600).now, moment(7 * 3600).now),)
    counts = []
    for pauses in ((), later, pause):
        floor = Floor()
        see(floor.state.watch, ExchangeSeen(ExchangeState.OPEN, None, pauses), moment())
        counts.append(ordered(floor.signal()).count)
    assert counts == [contracts(5), contracts(5), contracts(2)]


def test_a_pause_does_not_matter_to_what_has_no_stop() -> None:
    floor = Floor(exits={"hold_to_settlement": ("KXHIGHNY",)})
    pauses = ((moment(5 * 3600).now, moment(7 * 3600).now),)
    see(floor.state.watch, ExchangeSeen(ExchangeState.OPEN, None, pauses), moment())
    assert ordered(floor.signal()).count == contracts(5)


def test_fractions_are_bought_where_the_owner_wants_them() -> None:
    assert ordered(Floor(sizes={"whole_contracts": False, "dollars_per_trade": 2.0}).signal()).count == contracts(3.33)


def test_a_horizon_that_reaches_the_close_pays_no_spread_and_no_fee_on_the_way_out() -> None:
    floor = Floor()
    plan = decided(floor.signal(where=market(closes=timedelta(hours=6)))).plan
    assert plan is not None
    assert plan.edge_cents == pytest.approx(67 - 58 - 7 * 0.58 * 0.42)


# Laws


def test_no_is_bought_as_yes_would_be_and_yes_never_is() -> None:
    bought, mirrored = Floor(), Floor()
    see(mirrored.state.watch, BookCame(book(no_bids=[(44, 100)], no_asks=[(46, 100)])), moment())
    no, yes = decided(bought.signal()), decided(mirrored.signal(signal(side=Side.YES, current=55.0)))
    assert (no.plan, no.top) == (yes.plan, yes.top)
    assert no.findings[1:] == yes.findings[1:]
    assert (no.entered, yes.entered) == (True, False)


TICKERS = ("KXHIGHNY-26NOV23-T60", "KXHIGHNY-26NOV23-T70", "KXHIGHNY-26NOV24-T60", "KXBTC-26NOV2317-B1")
TABLES: dict[str, dict[str, object]] = {
    "sizes": {
        "dollars_per_trade": 4.0,
        "max_contracts_per_market": 9.0,
        "max_event_dollars": 7.0,
        "max_series_dollars": 9.0,
        "max_total_dollars": 11.0,
        "max_settlement_dollars": 8.0,
        "min_cash_dollars": 1.0,
    },
    "rules": {"off": ("edge", "stop_distance", "magnitude"), "max_trades_per_series_per_scan": 2},
}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(TICKERS),
        st.sampled_from([Side.NO, Side.NO, Side.NO, Side.YES]),
        st.integers(10, 97),  # NO ask in cents
        st.floats(0, 30),
        st.sampled_from(["nothing", "a part", "all"]),
        st.booleans(),  # another scan begins
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=150, deadline=None)
@given(STEPS, st.booleans(), st.sampled_from(EntryStyle), st.sampled_from([5_000_000, 40_000_000]))
def test_no_sequence_of_signals_and_fills_passes_a_limit_or_buys_yes(
    steps: Sequence[tuple[str, Side, int, float, str, bool]], whole: bool, style: EntryStyle, cash: int
) -> None:
    sizes = TABLES["sizes"] | {"whole_contracts": whole}
    floor = Floor(cash, sizes=sizes, rules=TABLES["rules"], entries={"style": style})
    books, scan, spent = floor.state.books, 0, 0
    for ticker, side, ask, magnitude, filled, another in steps:
        if another:
            scan += 1
            floor.write(ScanStarted(scan_id=f"scan-{scan}", series=(), market_count=1))
        seen = book(ticker, no_bids=[(ask - 2, 50)], no_asks=[(ask, 50)])
        see(floor.state.watch, BookCame(seen), moment())
        floor.state.watch.exit_pass = moment().seconds
        entries = floor.signal(signal(magnitude, side=side, current=50.0), where=market(ticker), scan=f"scan-{scan}")
        orders = [entry.order for entry in entries if isinstance(entry, OrderIntended)]
        for order in orders:
            assert (order.side, order.action) == (Side.NO, Action.BUY)
            assert not any(finding.verdict is Verdict.REFUSED for finding in decided(entries).findings)
            plan = decided(entries).plan
            assert plan is not None
            assert plan.most_cost <= 4_000_000
            assert order.count % (100 if whole else 1) == 0
            part = {"nothing": 0, "a part": order.count // 2, "all": order.count}[filled]
            if part:
                count = Hundredths(part)
                # The worst that a fill may cost: at the limit, the fee rounded up to a cent.
                fee = (
                    -(-7 * order.limit * (1_000_000 - order.limit) * count // (10_000 * 100 * 1_000_000) // CENT) * CENT
                )
                floor.fill(order, order.limit, count, fee)
                spent += cost(order.limit, count) + fee
                assert cost(order.limit, count) + fee <= plan.most_cost
            if filled != "a part":
                floor.end(order)
        held = [(position.market, position.cost + position.entry_fees) for position in books.positions.values()]
        assert sum(money for _, money in held) == spent <= 11_000_000
        assert sum(money for where, money in held if where.series_ticker == "KXHIGHNY") <= 8_000_000
        assert sum(money for where, money in held if where.event_ticker == "KXHIGHNY-26NOV23") <= 7_000_000
        assert all(position.count <= contracts(9) for position in books.positions.values())
        assert all(position.side is Side.NO for position in books.positions.values())
        assert spent <= cash - 1_000_000
        assert all(count <= 2 for count in books.scan_entries.values())
