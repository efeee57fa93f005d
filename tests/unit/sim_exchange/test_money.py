"""Cash, locks, positions and fees of members."""

from decimal import Decimal

import pytest

from mesh.kalshi.grid import GRIDS
from mesh.kalshi.terms import FeeType, OrderStatus, Result, SelfTradePrevention, UpdateReason
from mesh.types import Micros
from sim_exchange.domain.events import CashChanged, PositionChanged, Settled, Transferred
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.results import PauseScope, State
from sim_exchange.domain.types import Account, Amendment, PriceBand, Refused
from sim_exchange.quirks import Quirks
from tests.fakes.exchange_engine import (
    ASK,
    BID,
    FOK,
    IOC,
    NOW,
    RAIN,
    SNOW,
    book,
    cents,
    contracts,
    engine,
    event,
    held,
    ladder,
    market,
    only,
    place,
    series,
    usd,
)


def test_resting_orders_lock_what_they_may_cost() -> None:
    exchange = engine()
    place(exchange, "ann", BID, 40, 10)
    place(exchange, "ann", ASK, 70, 10)
    assert exchange.cash("ann", 0) == usd(100)
    assert exchange.available("ann", 0) == usd(100 - 4 - 3)


def test_an_order_must_be_covered_at_its_limit_with_the_worst_fee() -> None:
    exchange = engine()
    # 196 at 0.50 cost 98 dollars and 3.43 of fee; 193 cost 96.50 and 3.3775.
    with pytest.raises(Refused, match="insufficient_balance"):
        place(exchange, "ann", BID, 50, 196)
    place(exchange, "ann", BID, 50, 193)
    without_fee = engine(affordable_at="limit")
    place(without_fee, "ann", BID, 50, 200)
    with pytest.raises(Refused, match="insufficient_balance"):
        place(without_fee, "ann", BID, 1, 1)


def test_what_closes_a_position_locks_nothing_oldest_first() -> None:
    exchange = engine()
    place(exchange, "ben", ASK, 50, 10)
    place(exchange, "ann", BID, 50, 10)
    start = exchange.available("ann", 0)
    older = place(exchange, "ann", ASK, 60, 6).order
    assert exchange.available("ann", 0) == start
    place(exchange, "ann", ASK, 70, 6)
    assert exchange.available("ann", 0) == start - usd("0.60")
    exchange.cancel("ann", older.order_id, NOW)
    assert exchange.available("ann", 0) == start
    assert held(exchange, "ann") == 10


def test_selling_pays_back_and_turning_around_costs() -> None:
    exchange = engine()
    place(exchange, "ben", BID, 50, 30)
    place(exchange, "ann", BID, 60, 10)
    place(exchange, "ben", ASK, 60, 10)
    assert exchange.cash("ann", 0) == usd(100) - usd(6)
    place(exchange, "ben", BID, 70, 15)
    taken = place(exchange, "ann", ASK, 70, 15)
    assert taken.filling.count == contracts(15)
    fee = exchange.fills_of("ann")[-1].fee
    assert exchange.cash("ann", 0) == usd(100) - usd(6) + usd(7) - usd("1.50") - fee
    (position,) = exchange.positions_of("ann")
    assert (position.count, position.open_cost, position.realized_pnl) == (contracts(-5), usd("1.5"), usd(1))
    assert position.fees_paid == fee
    assert position.total_traded == usd(6) + usd(7) + usd("1.5")
    assert (position.yes_bought, position.no_bought) == (contracts(10), contracts(15))


def test_open_cost_is_an_average() -> None:
    exchange = engine()
    for price in (40, 50):
        place(exchange, "ben", ASK, price, 10)
        place(exchange, "ann", BID, price, 10)
    place(exchange, "ben", BID, 60, 5)
    place(exchange, "ann", ASK, 60, 5)
    (position,) = exchange.positions_of("ann")
    assert position.open_cost == usd(9) - usd("2.25")
    assert position.realized_pnl == usd(3) - usd("2.25")


def test_orders_remember_costs_and_fees_of_both_roles() -> None:
    exchange = engine()
    place(exchange, "ben", ASK, 50, 1, ticker=SNOW)
    placed = place(exchange, "ann", BID, 55, 3, ticker=SNOW).order
    place(exchange, "cat", ASK, 55, 2, ticker=SNOW)
    order = exchange.orders[placed.order_id]
    assert (order.taker_cost, order.maker_cost) == (usd("0.50"), usd("1.10"))
    assert order.taker_fees == usd("0.0175")
    # 0.0175 × 2 × 0.55 × 0.45 = 0.0086625, which brings the balance onto 0.0001 at 0.0087.
    assert order.maker_fees == usd("0.0087")
    assert order.rounding_micros == 37 + 0
    assert exchange.fees_collected == sum(
        fill.fee for name in ("ann", "ben", "cat") for fill in exchange.fills_of(name)
    )


def test_fees_follow_event_series_and_waiver() -> None:
    exchange = engine()
    half = Decimal("0.5")
    exchange.list(series("KXHALF", fee_multiplier=half), NOW)
    exchange.list(event("KXHALF-1", "KXHALF"), NOW)
    exchange.list(event("KXHALF-2", "KXHALF", fee_multiplier_override=Decimal(0)), NOW)
    exchange.list(event("KXHALF-3", "KXHALF", fee_type_override=FeeType.QUADRATIC_WITH_MAKER_FEES), NOW)
    exchange.list(event("KXHALF-4", "KXHALF"), NOW)
    listed = [market(f"KXHALF-{number}-T1") for number in (1, 2, 3)]
    listed.append(market("KXHALF-4-T1", fee_waiver_expiration_time=market(RAIN).close_time))
    paid = []
    for one in listed:
        exchange.list(one, NOW)
        place(exchange, "ann", ASK, 50, 100, ticker=one.ticker)
        exchange_fee = place(exchange, "ben", BID, 50, 20, ticker=one.ticker).order.taker_fees
        paid.append((exchange_fee, exchange.fills_of("ann")[-1].fee))
        exchange.cancel_all("ann", NOW)
    assert paid == [
        (usd("0.175"), 0),
        (0, 0),
        (usd("0.175"), usd("0.0438")),
        (0, 0),
    ]


def test_a_broker_s_member_pays_whole_cents() -> None:
    exchange = engine()
    exchange.open_account(Account(account_id="dan", name="dan", balance_precision=Micros(10_000)), {0: usd(10)})
    place(exchange, "ann", ASK, 50, 1)
    assert place(exchange, "dan", BID, 50, 1).order.taker_fees == usd("0.02")
    assert exchange.cash("dan", 0) == usd("9.48")
    with pytest.raises(ValueError, match="deposit"):
        exchange.open_account(Account(account_id="eve", name="eve"), {0: Micros(50)})
    with pytest.raises(ValueError, match="shard"):
        exchange.open_account(Account(account_id="eve", name="eve"), {9: usd(1)})


def test_cash_is_per_shard_and_can_be_moved() -> None:
    exchange = engine()
    with pytest.raises(Refused, match="insufficient_balance"):
        place(exchange, "ann", BID, 50, 250, ticker=SNOW)
    place(exchange, "ann", BID, 50, 100)
    with pytest.raises(Refused, match="insufficient_balance"):
        exchange.transfer("ann", 0, 2, usd("50.01"), NOW)
    exchange.take_events()
    assert exchange.transfer("ann", 0, 2, usd(50), NOW)
    assert only(exchange.take_events(), CashChanged) == [
        CashChanged("ann", 0, usd(50)),
        CashChanged("ann", 2, usd(150)),
    ]
    place(exchange, "ann", BID, 50, 250, ticker=SNOW)
    for source, destination, amount in ((0, 9, usd(1)), (0, 2, usd(0)), (0, 2, usd(-1)), (2, 0, Micros(50))):
        with pytest.raises(Refused, match="invalid_parameters"):
            exchange.transfer("ann", source, destination, amount, NOW)
    exchange.pause(PauseScope.EXCHANGE, 2, NOW)
    with pytest.raises(Refused, match="exchange_is_paused"):
        exchange.transfer("ann", 2, 0, usd(1), NOW)


def test_a_transfers_id_is_remembered_over_a_restart() -> None:
    exchange = engine()
    exchange.take_events()
    exchange.transfer("ann", 0, 2, usd(1), NOW)
    assert only(exchange.take_events(), Transferred) == [], "without an id there is nothing to remember"
    made = exchange.transfer("ann", 0, 2, usd(1), NOW, client_transfer_id="mine")
    told = only(exchange.take_events(), Transferred)
    assert told == [Transferred("ann", "mine", made, NOW)]
    accounts = list(exchange.accounts.values())
    cash = {
        (account.account_id, shard): exchange.cash(account.account_id, shard)
        for account in accounts
        for shard in (0, 2)
    }
    restored = Exchange(seed=7, quirks=Quirks())
    restored.restore(State(issued=exchange.issued, accounts=accounts, cash=cash, transfers=told), NOW)
    for at in (exchange, restored):
        with pytest.raises(Refused, match="409 transfer_already_exists"):
            at.transfer("ann", 2, 0, usd(3), NOW, client_transfer_id="mine")
        at.transfer("ben", 0, 2, usd(1), NOW, client_transfer_id="mine")


def test_a_position_given_up_before_settles_without_a_settlement() -> None:
    exchange = engine()
    place(exchange, "ben", ASK, 50, 2)
    place(exchange, "ann", BID, 50, 2)
    place(exchange, "cat", BID, 60, 2)
    place(exchange, "ann", ASK, 60, 2)
    exchange.open_account(Account(account_id="dan", name="dan"), {0: usd(1)})
    place(exchange, "dan", BID, 10, 1)
    exchange.determine(RAIN, Result.YES, None, "", NOW)
    before = exchange.cash("ann", 0)
    exchange.take_events()
    paid = exchange.next_deadline()
    assert paid is not None
    exchange.advance(paid)
    happened = exchange.take_events()
    told = {one.position.account_id: one.position for one in only(happened, PositionChanged)}
    assert {name: (at.settled, at.count, at.updated_time) for name, at in told.items()} == {
        name: (True, 0, paid) for name in ("ann", "ben", "cat")
    }
    assert {one.settlement.account_id for one in only(happened, Settled)} == {"ben", "cat"}
    assert exchange.cash("ann", 0) == before
    assert all(position.settled for position in exchange.positions_of("ann"))


def test_a_resting_order_that_cannot_pay_its_fee_is_cancelled_instead_of_filled() -> None:
    exchange = engine(affordable_at="limit")
    broke = place(exchange, "ann", BID, 50, 200, ticker=SNOW).order
    next_one = place(exchange, "cat", BID, 50, 1, ticker=SNOW).order
    taker = place(exchange, "ben", ASK, 50, 1, ticker=SNOW).order
    assert exchange.orders[broke.order_id].reason is UpdateReason.MARGIN_CANCEL
    assert exchange.orders[next_one.order_id].status is OrderStatus.EXECUTED
    assert taker.status is OrderStatus.EXECUTED
    assert exchange.available("ann", 2) == usd(100)


def test_a_taker_that_cannot_pay_its_fee_stops() -> None:
    exchange = engine(affordable_at="limit")
    place(exchange, "ben", ASK, 50, 100)
    place(exchange, "cat", ASK, 50, 100)
    taker = place(exchange, "ann", BID, 50, 200).order
    assert (taker.fill_count, taker.reason) == (contracts(100), UpdateReason.MARGIN_CANCEL)
    assert exchange.available("ann", 0) >= 0
    assert book(exchange) == ([], [(50, 100)])


def test_a_taker_may_sell_what_an_older_order_offers_already() -> None:
    exchange = engine()
    place(exchange, "ben", ASK, 50, 190)
    place(exchange, "ann", BID, 50, 190)
    place(exchange, "ann", ASK, 99, 190)
    place(exchange, "ben", BID, 40, 5)
    # The older offer has the position; this one must be able to pay as if it opened, and then closes.
    with pytest.raises(Refused, match="insufficient_balance"):
        place(exchange, "ann", ASK, 40, 5, tif=IOC)
    exchange.transfer("ann", 2, 0, usd(10), NOW)
    before = exchange.available("ann", 0)
    sold = place(exchange, "ann", ASK, 40, 5, tif=FOK).order
    assert sold.status is OrderStatus.EXECUTED
    assert held(exchange, "ann") == 185
    # Five of the older offer close nothing any more and lock one cent each.
    assert exchange.available("ann", 0) == before + usd(2) - sold.taker_fees - usd("0.05")


def test_an_amended_order_still_closes_what_it_closed() -> None:
    exchange = engine()
    place(exchange, "ben", ASK, 50, 190)
    place(exchange, "ann", BID, 50, 190)
    closing = place(exchange, "ann", ASK, 99, 190).order
    cheaper = Amendment(ticker=RAIN, side=ASK, price=cents(40), count=contracts(190))
    before = exchange.available("ann", 0)
    assert exchange.amend("ann", closing.order_id, cheaper, NOW).order.price == cents(40)
    assert exchange.available("ann", 0) == before


def test_fractions_trade_at_fractional_cents() -> None:
    exchange = engine()
    exchange.list(event("KXRAIN-26JUL11", "KXRAIN"), NOW)
    fine = tuple(PriceBand(*band) for band in GRIDS["tapered_deci_cent"])
    ticker = "KXRAIN-26JUL11-T1"
    exchange.list(market(ticker, price_ranges=fine, price_level_structure="tapered_deci_cent"), NOW)
    exchange.set_book(ticker, [], ladder(("0.1", 500)), NOW)
    placed = place(exchange, "ann", BID, "0.1", "227.27", ticker=ticker)
    assert placed.order.taker_fees == usd("0.01593")
    assert exchange.cash("ann", 0) == usd(100) - usd("0.22727") - usd("0.01593")
    assert exchange.cash("ann", 0) % 100 == 0
    assert exchange.money_held() == exchange.deposited


def test_what_prevention_cancels_frees_its_money_for_the_taker() -> None:
    exchange = engine()
    place(exchange, "ann", BID, 50, 100)
    place(exchange, "ann", ASK, 60, 100)
    met = place(exchange, "ann", ASK, 50, 1, self_trade_prevention=SelfTradePrevention.MAKER).order
    assert met.status is OrderStatus.RESTING
    assert exchange.available("ann", 0) == usd(100) - usd(40) - usd("0.50")
    assert book(exchange)[0] == []
    assert cents(50) == met.price
