from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.fees import BROKER_PRECISION, DIRECT_PRECISION, FeeTerms, UnknownFee, charge
from mesh.kalshi.sides import Action
from mesh.kalshi.terms import FeeType, OrderStatus, TimeInForce
from mesh.types import CENT, CONTRACT, DOLLAR, Hundredths, Micros, Price, Side, cost
from tests.fakes.trading import NOON, TICKER, cents, contracts, market, moment, signal
from trader.domain import sizing
from trader.domain.entries import CashSeen, Decided, OrderIntended
from trader.domain.events import SignalCame
from trader.domain.facts import TRADER, ExitPlan, MarketTerms, OrderTerms
from trader.domain.fold import apply
from trader.domain.settings import Settings, SizeSettings
from trader.domain.sighting import sight_of
from trader.domain.sizing import Bill, Risk, claim
from trader.domain.state import Books, Position, State
from trader.domain.views import OrderView, Snapshot
from trader.domain.words import Purpose

PLAIN = FeeTerms(FeeType.QUADRATIC)
SIBLING = "KXHIGHNY-26NOV23-T70"


def state(**sizes: object) -> State:
    return State(Books("journal-1"), Settings(sizes=SizeSettings.model_validate(sizes)))


def risk(desk: State, where: MarketTerms) -> Risk:
    return sizing.risk(desk.books, desk.settings.sizes, where)


def free_cash(desk: State, where: MarketTerms) -> Micros | None:
    return sizing.free_cash(desk.books, sight_of(desk, SignalCame("s", where, signal(), b""), None, moment()))


def hold(books: Books, where: MarketTerms, money: int, fees: int = 0, count: float = 5) -> None:
    name = f"p-{len(books.positions)}"
    books.positions[name] = Position(name, where, Side.NO, "d", None, ExitPlan(), contracts(count), Micros(money))
    books.positions[name].entry_fees = Micros(fees)


def order(books: Books, where: MarketTerms, limit: float, count: float, *, purpose: Purpose = Purpose.ENTRY) -> str:
    name = f"order-{len(books.orders)}"
    decided = Decided(
        decision_id=name,
        scan_id="scan-1",
        market=where,
        side=Side.NO,
        actor=TRADER,
        entered=True,
        findings=(),
        plan=None,
        top=None,
    )
    terms = OrderTerms(
        client_order_id=name,
        decision_id=name,
        leg=0,
        position_id="p-new",
        ticker=where.ticker,
        event_ticker=where.event_ticker,
        series_ticker=where.series_ticker,
        side=Side.NO,
        action=Action.BUY,
        purpose=purpose,
        limit=cents(limit),
        count=contracts(count),
        time_in_force=TimeInForce.GOOD_TILL_CANCELED,
    )
    for entry in (decided, OrderIntended(order=terms)):
        apply(books, books.sequence + 1, NOON, entry)
    return name


def snapshot(
    available: int | None, *, shards: tuple[tuple[int, Micros], ...] = (), locked: tuple[str, ...] = ()
) -> Snapshot:
    views = tuple(
        OrderView(name, name, TICKER, False, cents(42), OrderStatus.RESTING, CONTRACT, Hundredths(0), CONTRACT)
        for name in locked
    )
    total = Micros(50 * DOLLAR)
    known = None if available is None else Micros(available)
    return Snapshot(NOON, 0.0, views, NOON, (), (), (), total, shards, known)


# Bills


def test_three_dollars_buy_five_contracts_at_58_cents() -> None:
    bill = Bill(PLAIN, cents(58), NOON, CONTRACT)
    assert bill.largest(3 * DOLLAR) == contracts(5)
    # 2.90, 8.526 cents of fee, a micro for each of 500 hundredths and a cent for rounding.
    assert bill.most(contracts(5)) == 2_900_000 + 85_260 + 500 + 10_000


def test_fractions_are_bought_where_the_owner_wants_them() -> None:
    assert Bill(PLAIN, cents(58), NOON).largest(3 * DOLLAR) == contracts(5.00) + 0
    assert Bill(PLAIN, cents(58), NOON).largest(2 * DOLLAR) == contracts(3.33)
    assert Bill(PLAIN, cents(58), NOON, CONTRACT).largest(2 * DOLLAR) == contracts(3)


@pytest.mark.parametrize("room", [-5 * DOLLAR, -1, 0, 58 * CENT])
def test_too_little_money_buys_nothing(room: int) -> None:
    assert Bill(PLAIN, cents(58), NOON, CONTRACT).largest(room) == 0


@pytest.mark.parametrize("most", [-300, 0, 99])
def test_no_room_for_a_contract_buys_nothing(most: int) -> None:
    assert Bill(PLAIN, cents(58), NOON, CONTRACT).largest(3 * DOLLAR, most=most) == 0


def test_an_unknown_fee_is_not_reckoned_with() -> None:
    with pytest.raises(UnknownFee):
        Bill(FeeTerms(FeeType.FLAT), cents(58), NOON).largest(3 * DOLLAR)


limits = st.integers(1, 99).map(cents)
multipliers = st.sampled_from(["0", "0.5", "1", "2"]).map(Decimal)


@given(limits, multipliers, st.integers(0, 50 * DOLLAR), st.integers(0, 10_000), st.sampled_from([1, 100]))
def test_the_largest_count_fits_and_one_step_more_would_not(
    limit: Price, multiplier: Decimal, room: int, most: int, step: int
) -> None:
    bill = Bill(FeeTerms(FeeType.QUADRATIC, multiplier), limit, NOON, Hundredths(step))
    count = bill.largest(room, room + 1, most=most)
    more = Hundredths(count + step)
    assert count % step == 0
    assert bill.most(count) <= room or not count
    assert count <= most
    assert bill.most(more) > room or more > most


@given(
    limits,
    multipliers,
    st.lists(st.tuples(st.integers(1, 20), st.integers(0, 60), st.booleans()), min_size=1, max_size=12),
    st.sampled_from([DIRECT_PRECISION, BROKER_PRECISION]),
)
def test_no_way_of_filling_an_order_costs_more_than_its_bill(
    limit: Price, multiplier: Decimal, fills: list[tuple[int, int, bool]], precision: Micros
) -> None:
    fees = FeeTerms(FeeType.QUADRATIC_WITH_MAKER_FEES, multiplier)
    total, paid, carried = Hundredths(0), 0, Micros(0)
    for count, better, maker in fills:
        price = Price(max(CENT, limit - better * CENT))
        filled = contracts(count)
        charged = charge(
            fees,
            price=price.complement,
            count=filled,
            buys_yes=False,
            maker=maker,
            carried=carried,
            precision=precision,
        )
        paid += cost(price, filled) + charged.net
        carried, total = charged.carried, Hundredths(total + filled)
    assert paid <= Bill(fees, limit, NOON).most(total)


# What is at risk


def test_positions_and_entries_on_their_way_are_at_risk_with_their_fees() -> None:
    desk = state()
    hold(desk.books, market(), 2_900_000, 85_260)
    name = order(desk.books, market(), 60, 3)
    waiting = claim(desk.books, desk.books.orders[name])
    assert waiting == Bill(PLAIN, cents(60), NOON).most(contracts(3))
    found = risk(desk, market())
    assert set(found.exposures.values()) == {2_985_260 + waiting}
    assert found.contracts == contracts(8)


def test_orders_to_sell_put_nothing_at_risk() -> None:
    desk = state()
    order(desk.books, market(), 60, 3, purpose=Purpose.EXIT)
    assert set(risk(desk, market()).exposures.values()) == {0}


def test_the_filled_part_of_an_entry_is_not_counted_twice() -> None:
    desk = state()
    name = order(desk.books, market(), 60, 3)
    desk.books.orders[name].filled = desk.books.orders[name].seen = contracts(2)
    assert claim(desk.books, desk.books.orders[name]) == Bill(PLAIN, cents(60), NOON).most(contracts(1))


def test_an_order_whose_decision_is_not_known_may_cost_a_dollar_a_contract() -> None:
    desk = state()
    name = order(desk.books, market(), 60, 3)
    del desk.books.decisions[name]
    assert claim(desk.books, desk.books.orders[name]) == 3 * DOLLAR
    assert set(risk(desk, market()).exposures.values()) == {3 * DOLLAR}


def test_each_limit_counts_what_it_is_about() -> None:
    desk = state(underlyings={"KXBTC": "BTC", "KXBTCD": "BTC"})
    here = market("KXBTC-26NOV2317-B1")
    others = {
        1: market("KXBTC-26NOV2317-B2"),  # the same event
        10: market("KXBTC-26NOV2318-B1", closes=timedelta(hours=13)),  # the same series, an hour later
        100: market("KXBTCD-26NOV2317-T1", closes=timedelta(hours=12, minutes=59)),  # settles with it
        1000: market("KXETH-26NOV2317-B1"),
    }
    for dollars, where in others.items():
        hold(desk.books, where, dollars)
    assert risk(desk, here).exposures == {
        "series_exposure": 11,
        "event_exposure": 1,
        "total_exposure": 1111,
        "settlement_exposure": 101,
    }
    assert risk(desk, here).contracts == 0


# Cash


def test_cash_that_nobody_stated_is_not_known() -> None:
    desk = state()
    assert free_cash(desk, market()) is None
    desk.watch.snapshot = snapshot(None)
    assert free_cash(desk, market()) is None


def test_what_entries_on_their_way_may_cost_is_not_free() -> None:
    desk = state()
    apply(desk.books, 1, NOON, CashSeen(cash=Micros(20 * DOLLAR)))
    name = order(desk.books, market(), 60, 3)
    assert free_cash(desk, market()) == 20 * DOLLAR - claim(desk.books, desk.books.orders[name])


def test_the_exchange_has_locked_what_it_knows_of_already() -> None:
    desk = state()
    known, unknown = order(desk.books, market(), 60, 3), order(desk.books, market(SIBLING), 60, 4)
    desk.watch.snapshot = snapshot(20 * DOLLAR, locked=(known,))
    assert free_cash(desk, market()) == 20 * DOLLAR - claim(desk.books, desk.books.orders[unknown])


@pytest.mark.parametrize(("ours", "theirs"), [(10, 20), (20, 10)])
def test_the_lower_of_both_accounts_counts(ours: int, theirs: int) -> None:
    desk = state()
    apply(desk.books, 1, NOON, CashSeen(cash=Micros(ours * DOLLAR)))
    desk.watch.snapshot = snapshot(theirs * DOLLAR)
    assert free_cash(desk, market()) == 10 * DOLLAR


def test_only_cash_on_the_markets_shard_pays_for_it() -> None:
    desk = state()
    desk.watch.snapshot = snapshot(30 * DOLLAR, shards=((0, Micros(2 * DOLLAR)), (1, Micros(28 * DOLLAR))))
    first, second, third = (msgspec.structs.replace(market(), exchange_index=index) for index in (0, 1, 2))
    anywhere = msgspec.structs.replace(market(), exchange_index=None)
    found = [free_cash(desk, where) for where in (first, second, third, anywhere)]
    assert found == [2 * DOLLAR, 28 * DOLLAR, 0, 30 * DOLLAR]
