"""Markets from listing to pay-out, pauses, and the week."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mesh.kalshi.fees import UnknownFee
from mesh.kalshi.terms import FeeType, MarketStatus, OrderStatus, Result, UpdateReason
from mesh.types import Micros
from sim_exchange.domain.events import Listed, MarketChange, MarketChanged, OrderChanged, Settled, TradingChanged
from sim_exchange.domain.exchange import Exchange
from sim_exchange.domain.hours import maintenance
from sim_exchange.domain.results import PauseScope
from sim_exchange.domain.types import Account, PriceBand, Refused
from sim_exchange.quirks import Quirks
from tests.fakes.exchange_engine import (
    ASK,
    BID,
    CLOSE,
    NOW,
    RAIN,
    SNOW,
    TIMER,
    book,
    cents,
    contracts,
    engine,
    event,
    held,
    ladder,
    list_markets,
    market,
    only,
    place,
    said,
    series,
    usd,
)


def changes(exchange: Exchange) -> list[tuple[MarketChange, datetime, bool]]:
    return [(told.change, told.time, told.announced) for told in only(exchange.take_events(), MarketChanged)]


def traded() -> Exchange:
    """Ann holds ten YES at 0.40, Ben the other side."""
    exchange = engine()
    place(exchange, "ann", BID, 40, 10)
    place(exchange, "ben", ASK, 40, 10)
    exchange.take_events()
    return exchange


def test_a_market_opens_and_closes_at_its_times_however_late_one_looks() -> None:
    exchange = engine()
    opens = NOW + timedelta(minutes=10)
    ticker = "KXRAIN-26JUL10-T2"
    exchange.list(market(ticker, open_time=opens), NOW)
    with pytest.raises(Refused) as refused:
        place(exchange, "ann", BID, 50, 1, ticker=ticker)
    assert said(refused.value) == (409, "market_inactive")
    assert exchange.next_deadline() == opens
    exchange.take_events()
    resting = place(exchange, "ann", BID, 50, 1).order
    exchange.take_events()
    exchange.advance(CLOSE + timedelta(days=1))
    told = exchange.take_events()
    assert [(one.change, one.market.ticker, one.time, one.announced) for one in only(told, MarketChanged)] == [
        (MarketChange.OPENED, ticker, opens, False),
        (MarketChange.CLOSED, RAIN, CLOSE, False),
        (MarketChange.CLOSED, ticker, CLOSE, False),
        (MarketChange.CLOSED, SNOW, CLOSE, False),
    ]
    (ended,) = only(told, OrderChanged)
    assert (ended.order.order_id, ended.order.reason) == (resting.order_id, UpdateReason.CLOSE_CANCEL)
    assert book(exchange) == ([], [])
    with pytest.raises(Refused) as refused:
        place(exchange, "ann", BID, 50, 1, now=CLOSE + timedelta(days=1))
    assert said(refused.value) == (409, "market_closed")


def test_listing_twice_changes_nothing_and_wrong_listings_are_errors() -> None:
    exchange = engine()
    for item in (series("KXRAIN", title="other"), event("KXRAIN-26JUL10", "KXRAIN"), market(RAIN)):
        exchange.list(item, NOW)
    assert exchange.take_events() == []
    assert exchange.series["KXRAIN"].title == "KXRAIN"
    wrong: list[Any] = [
        event("KXNONE-1", "KXNONE"),
        market("KXRAIN-1-T1"),
        market("KXRAIN-26JUL10-T2", exchange_index=9),
    ]
    for item in wrong:
        with pytest.raises(ValueError, match="unknown"):
            exchange.list(item, NOW)
    exchange.list(series("KXFLAT", fee_type=FeeType.FLAT), NOW)
    exchange.list(event("KXFLAT-1", "KXFLAT"), NOW)
    with pytest.raises(UnknownFee):
        exchange.list(market("KXFLAT-1-T1"), NOW)
    with pytest.raises(ValueError, match="band"):
        exchange.list(market("KXRAIN-26JUL10-T3", price_ranges=(PriceBand(0, 10, 0),)), NOW)


def test_what_is_listed_is_the_exchange_s_own() -> None:
    exchange = engine()
    mine = market("KXRAIN-26JUL10-T2")
    exchange.list(mine, NOW)
    assert mine.status is MarketStatus.INITIALIZED
    told = exchange.take_events()
    assert isinstance(told[0], Listed)
    assert exchange.markets[mine.ticker].status is MarketStatus.ACTIVE


@pytest.mark.parametrize(
    ("result", "value", "ann", "ben"),
    [
        (Result.YES, None, usd(10), usd(0)),
        (Result.NO, None, usd(0), usd(10)),
        (Result.SCALAR, Micros(333_333), usd("3.3333"), usd("6.6666")),
    ],
)
def test_a_result_pays_after_its_timer(result: Result, value: Micros | None, ann: Micros, ben: Micros) -> None:
    exchange = traded()
    before = {name: exchange.cash(name, 0) for name in ("ann", "ben")}
    exchange.advance(CLOSE)
    assert changes(exchange)[0] == (MarketChange.CLOSED, CLOSE, False)
    decided = CLOSE + timedelta(minutes=5)
    exchange.determine(RAIN, result, value, "85.00", decided)
    determined = exchange.markets[RAIN]
    assert (determined.status, determined.result, determined.expiration_value) == (
        MarketStatus.DETERMINED,
        result,
        "85.00",
    )
    exchange.advance(decided + TIMER - timedelta(microseconds=1))
    assert exchange.markets[RAIN].status is MarketStatus.DETERMINED
    exchange.take_events()
    exchange.advance(decided + TIMER + timedelta(hours=1))
    told = exchange.take_events()
    assert exchange.markets[RAIN].status is MarketStatus.FINALIZED
    assert exchange.markets[RAIN].settlement_time == decided + TIMER
    assert [(one.settlement.account_id, one.settlement.revenue) for one in only(told, Settled)] == [
        ("ann", ann),
        ("ben", ben),
    ]
    assert {name: exchange.cash(name, 0) - before[name] for name in before} == {"ann": ann, "ben": ben}
    (settlement,) = exchange.settlements_of("ann")
    assert (settlement.yes_count, settlement.yes_cost, settlement.no_count) == (contracts(10), usd(4), 0)
    (settlement,) = exchange.settlements_of("ben")
    assert (settlement.no_count, settlement.no_cost, settlement.fees) == (
        contracts(10),
        usd(6),
        exchange.fills_of("ben")[0].fee,
    )
    (position,) = exchange.positions_of("ann")
    assert (position.count, position.open_cost, position.realized_pnl, position.settled) == (
        0,
        0,
        ann - usd(4),
        True,
    )
    assert exchange.money_held() == exchange.deposited


def test_a_result_can_be_amended_until_it_is_paid() -> None:
    exchange = traded()
    exchange.advance(CLOSE)
    exchange.determine(RAIN, Result.YES, None, "1", CLOSE)
    again = CLOSE + timedelta(seconds=30)
    exchange.determine(RAIN, Result.NO, None, "0", again)
    assert exchange.markets[RAIN].status is MarketStatus.AMENDED
    exchange.advance(CLOSE + TIMER)
    assert exchange.settlements_of("ann") == []
    exchange.advance(again + TIMER)
    assert [settlement.revenue for settlement in exchange.settlements_of("ben")] == [usd(10)]
    with pytest.raises(Refused, match="409"):
        exchange.determine(RAIN, Result.YES, None, "1", again + TIMER)


def test_an_early_result_closes_the_market() -> None:
    exchange = engine()
    place(exchange, "ann", BID, 40, 10)
    exchange.take_events()
    exchange.determine(RAIN, Result.YES, None, "1", NOW)
    assert [change for change, _, _ in changes(exchange)] == [
        MarketChange.CLOSE_MOVED,
        MarketChange.CLOSED,
        MarketChange.DETERMINED,
    ]
    assert exchange.markets[RAIN].close_time == NOW
    assert book(exchange) == ([], [])


@pytest.mark.parametrize(("result", "value"), [(Result.NONE, None), (Result.SCALAR, None), (Result.SCALAR, usd(2))])
def test_impossible_results_are_errors(result: Result, value: Micros | None) -> None:
    with pytest.raises(ValueError, match="result"):
        engine().determine(RAIN, result, value, "", NOW)


def test_a_close_moves_both_ways_and_a_closed_market_opens_again() -> None:
    exchange = engine()
    later = CLOSE + timedelta(hours=2)
    exchange.move_close(RAIN, later, NOW)
    exchange.advance(CLOSE)
    assert exchange.markets[RAIN].status is MarketStatus.ACTIVE
    exchange.move_close(RAIN, CLOSE, CLOSE)
    assert exchange.markets[RAIN].status is MarketStatus.CLOSED
    exchange.move_close(RAIN, later, CLOSE + timedelta(minutes=1))
    place(exchange, "ann", BID, 50, 1, now=CLOSE + timedelta(minutes=1))
    exchange.advance(later)
    assert book(exchange) == ([], [])
    exchange.determine(RAIN, Result.YES, None, "", later)
    with pytest.raises(Refused, match="409"):
        exchange.move_close(RAIN, later + timedelta(days=1), later)
    with pytest.raises(Refused, match="404 market_not_found"):
        exchange.move_close("KXNONE-1-T1", later, later)


def test_a_paused_market_takes_cancels_only_and_forgets_its_orders_when_it_goes_on() -> None:
    exchange = engine()
    stays = place(exchange, "ann", BID, 50, 1).order
    goes = place(exchange, "ann", BID, 49, 1, cancel_order_on_pause=True).order
    exchange.set_book(RAIN, ladder((30, 5)), [], NOW)
    exchange.take_events()
    exchange.pause(PauseScope.MARKET, RAIN, NOW)
    exchange.pause("market", RAIN, NOW)
    assert changes(exchange) == [(MarketChange.PAUSED, NOW, True)]
    assert exchange.orders[goes.order_id].reason is UpdateReason.HALT_CANCEL
    with pytest.raises(Refused) as refused:
        place(exchange, "ann", BID, 50, 1)
    assert said(refused.value) == (409, "trading_is_paused")
    exchange.decrease("ann", stays.order_id, reduce_to=contracts(0.5), now=NOW)
    exchange.resume(PauseScope.MARKET, RAIN, NOW)
    assert changes(exchange) == [(MarketChange.OPENED, NOW, True)]
    assert exchange.orders[stays.order_id].reason is UpdateReason.HALT_CANCEL
    assert book(exchange) == ([], [])


def test_a_trading_pause_stops_one_shard_and_an_exchange_pause_stops_cancels_too() -> None:
    exchange = engine()
    placed = place(exchange, "ann", BID, 50, 1).order
    exchange.pause(PauseScope.TRADING, 0, NOW)
    with pytest.raises(Refused, match="409 trading_is_paused"):
        place(exchange, "ann", BID, 50, 1)
    place(exchange, "ann", BID, 50, 1, ticker=SNOW)
    status = exchange.status(0)
    assert (status.exchange_active, status.trading_active, exchange.status(2).trading_active) == (True, False, True)
    exchange.pause(PauseScope.EXCHANGE, 0, NOW)
    assert list(exchange.pauses) == [(PauseScope.TRADING, 0), (PauseScope.EXCHANGE, 0)]
    for refuse in (
        lambda: exchange.cancel("ann", placed.order_id, NOW),
        lambda: exchange.cancel_all("ann", NOW),
        lambda: exchange.decrease("ann", placed.order_id, reduce_to=contracts(0), now=NOW),
        lambda: place(exchange, "ann", BID, 50, 1),
    ):
        with pytest.raises(Refused) as refused:
            refuse()
        assert said(refused.value) == (409, "exchange_is_paused")
    exchange.resume(PauseScope.EXCHANGE, 0, NOW)
    exchange.cancel("ann", placed.order_id, NOW)
    exchange.resume(PauseScope.TRADING, 0, NOW)
    place(exchange, "ann", BID, 50, 1)
    with pytest.raises(Refused, match="404"):
        exchange.pause(PauseScope.TRADING, 9, NOW)


@pytest.mark.parametrize(
    ("moment", "running", "until"),
    [
        ("2026-07-16T06:59:59", False, "2026-07-16T07:00:00"),
        ("2026-07-16T07:00:00", True, "2026-07-16T09:00:00"),
        ("2026-07-16T08:59:59", True, "2026-07-16T09:00:00"),
        ("2026-07-16T09:00:00", False, "2026-07-23T07:00:00"),
        ("2026-10-30T12:00:00", False, "2026-11-05T08:00:00"),  # after the change to winter time
        ("2026-01-15T08:30:00", True, "2026-01-15T10:00:00"),
        ("2026-07-16T02:00:00", False, "2026-07-16T07:00:00"),  # still Wednesday in New York
    ],
)
def test_the_week_has_two_hours_of_maintenance(moment: str, running: bool, until: str) -> None:
    state = maintenance(datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert (state.running, state.until) == (running, datetime.fromisoformat(until).replace(tzinfo=UTC))


def thursday_exchange(*, weekly_maintenance: bool) -> Exchange:
    exchange = Exchange(seed=7, quirks=Quirks(), weekly_maintenance=weekly_maintenance)
    list_markets(exchange)
    exchange.move_close(RAIN, NOW + timedelta(days=30), NOW)
    exchange.open_account(Account(account_id="ann", name="ann"), {0: usd(100)})
    exchange.take_events()
    return exchange


def test_trading_pauses_every_thursday_on_every_shard() -> None:
    exchange = thursday_exchange(weekly_maintenance=True)
    begins, ends = datetime(2026, 7, 16, 7, tzinfo=UTC), datetime(2026, 7, 16, 9, tzinfo=UTC)
    stays = place(exchange, "ann", BID, 50, 1).order
    goes = place(exchange, "ann", BID, 50, 1, cancel_order_on_pause=True).order
    exchange.take_events()
    during = begins + timedelta(minutes=30)
    with pytest.raises(Refused, match="409 trading_is_paused"):
        place(exchange, "ann", BID, 50, 1, now=during)
    told = only(exchange.take_events(), TradingChanged)
    assert [(one.exchange_index, one.trading_active, one.time) for one in told] == [
        (shard, False, begins) for shard in range(4)
    ]
    assert exchange.orders[goes.order_id].status is OrderStatus.CANCELED
    assert exchange.status(0).resumes_at == ends
    exchange.cancel("ann", stays.order_id, during)
    exchange.advance(ends)
    assert exchange.status(0).trading_active
    assert exchange.status(0).resumes_at is None
    place(exchange, "ann", BID, 50, 1, now=ends)
    with pytest.raises(Refused, match="409 trading_is_paused"):
        place(exchange, "ann", BID, 50, 1, now=during + timedelta(days=7))


def test_the_weekly_pause_can_be_switched_off() -> None:
    exchange = thursday_exchange(weekly_maintenance=False)
    place(exchange, "ann", BID, 50, 1, now=datetime(2026, 7, 16, 8, tzinfo=UTC))
    assert exchange.next_deadline() is not None


def test_an_exchange_that_starts_during_maintenance_is_paused() -> None:
    exchange = Exchange(seed=1, quirks=Quirks())
    exchange.advance(datetime(2026, 7, 16, 8, tzinfo=UTC))
    assert not exchange.status(3).trading_active


def test_time_does_not_go_back() -> None:
    exchange = engine()
    exchange.advance(CLOSE)
    placed = CLOSE - timedelta(minutes=1)
    with pytest.raises(Refused, match="market_closed"):
        place(exchange, "ann", BID, 50, 1, now=placed)


def test_a_grid_may_change_under_resting_orders() -> None:
    exchange = engine()
    exchange.set_grid(RAIN, "deci_cent", (PriceBand(0, 1_000_000, 1_000),), NOW)
    fine = place(exchange, "ann", BID, "50.1", 1).order
    exchange.set_grid(RAIN, "linear_cent", (PriceBand(0, 1_000_000, 10_000),), NOW)
    assert [change for change, _, _ in changes(exchange)] == [MarketChange.GRID_CHANGED] * 2
    with pytest.raises(Refused, match="invalid_price"):
        place(exchange, "ann", BID, "50.1", 1)
    place(exchange, "ben", ASK, 50, 1)
    assert exchange.orders[fine.order_id].status is OrderStatus.EXECUTED
    assert exchange.markets[RAIN].last_price == cents("50.1")


def test_volume_last_price_and_open_interest_follow_the_trades() -> None:
    exchange = traded()
    place(exchange, "cat", BID, 45, 4)
    place(exchange, "ann", ASK, 45, 4)  # handed on: nothing new is open
    place(exchange, "ben", BID, 50, 3)
    place(exchange, "cat", ASK, 50, 3)  # both close
    listed = exchange.markets[RAIN]
    assert (listed.volume, listed.last_price, listed.open_interest) == (contracts(17), cents(50), contracts(7))
    assert [held(exchange, name) for name in ("ann", "ben", "cat")] == [6, -7, 1]
    assert exchange.money_held() == exchange.deposited
