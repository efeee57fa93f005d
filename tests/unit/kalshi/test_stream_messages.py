"""What the stream's messages say, in our types."""

from typing import Any

from mesh.kalshi.stream.channels import Channel
from mesh.kalshi.stream.events import Gap, Resynced
from mesh.kalshi.stream.market import EventFeeUpdate, EventLifecycle, LifecycleEvent, MarketLifecycle, Ticker, Trade
from mesh.kalshi.stream.own import Fill, GroupEvent, GroupUpdate, OrderUpdate, PositionUpdate
from mesh.kalshi.terms import BookSide, FeeType, OrderStatus, Result, UpdateReason
from mesh.types import Price, Side
from tests.fakes.kalshi_session import FILL, TICKER, TRADE, Talk, private


def test_a_ticker_is_read() -> None:
    talk = Talk({Channel.TICKER: {"A"}})
    assert talk.last["params"]["send_initial_snapshot"] is True
    talk.begin()
    talk.say("ticker", TICKER, sid=1)
    ticker = talk.take()[-1]
    assert isinstance(ticker, Ticker)
    assert (ticker.bid, ticker.ask, ticker.last_price, ticker.bid_size) == (Price(400_000), None, None, 300)
    assert ticker.time.isoformat() == "2026-07-10T14:00:00.123000+00:00"


def test_a_trade_is_read_and_its_prices_must_make_a_dollar() -> None:
    talk = private(Channel.TRADES)
    talk.say("trade", TRADE, sid=1, seq=1)
    (trade,) = talk.take()
    assert isinstance(trade, Trade)
    assert (trade.yes_price, trade.count, trade.taker_book_side) == (Price(450_000), 250, BookSide.ASK)
    talk.say("trade", TRADE | {"no_price_dollars": "0.5400"}, sid=1, seq=2)
    assert [type(event) for event in talk.take()] == [Gap, Resynced]


def test_a_fill_is_read() -> None:
    talk = private(Channel.FILLS)
    talk.say("fill", FILL, sid=1)
    (fill,) = talk.take()
    assert isinstance(fill, Fill)
    assert (fill.price(Side.YES), fill.price(Side.NO)) == (Price(450_000), Price(550_000))
    assert (fill.fee, fill.position_after, fill.book_side) == (34_700, -250, BookSide.BID)


def test_an_order_is_read() -> None:
    talk = private(Channel.ORDERS)
    order = {
        "order_id": "O", "user_id": "U", "ticker": "A", "exchange_index": 0, "status": "canceled", "side": "yes",
        "is_yes": True, "outcome_side": "no", "book_side": "ask", "yes_price_dollars": "0.4500",
        "fill_count_fp": "1.00", "remaining_count_fp": "0.00", "initial_count_fp": "3.00",
        "taker_fill_cost_dollars": "0.550000", "maker_fill_cost_dollars": "0.000000", "taker_fees_dollars": "0.017400",
        "maker_fees_dollars": "0.000000", "client_order_id": "mine", "created_time": None, "created_ts_ms": None,
        "last_update_reason": "ExpiryCancel", "expiration_ts_ms": 1_783_692_000_000,
    }  # fmt: skip
    talk.say("user_order", order, sid=1)
    talk.say("user_order", order | {"status": "dreaming", "last_update_reason": "Boredom"}, sid=1)
    first, second = talk.take()
    assert isinstance(first, OrderUpdate)
    assert isinstance(second, OrderUpdate)
    assert (first.status, first.last_update_reason) == (OrderStatus.CANCELED, UpdateReason.EXPIRY_CANCEL)
    assert (first.taker_cost, first.initial_count, first.created_ts_ms) == (550_000, 300, None)
    assert (second.status, second.last_update_reason) == (OrderStatus.UNKNOWN, UpdateReason.UNKNOWN)


def test_a_position_is_read() -> None:
    talk = private(Channel.POSITIONS)
    position = {
        "user_id": "U", "market_ticker": "A", "position_fp": "-1.50", "position_cost_dollars": "0.825000",
        "realized_pnl_dollars": "-0.100000", "fees_paid_dollars": "0.020000", "position_fee_cost_dollars": "0.010000",
        "volume_fp": "4.50",
    }  # fmt: skip
    talk.say("market_position", position, sid=1)
    (told,) = talk.take()
    assert isinstance(told, PositionUpdate)
    assert (told.count, told.cost, told.realized_pnl, told.volume) == (-150, 825_000, -100_000, 450)


def test_lifecycle_is_read() -> None:
    talk = private(Channel.LIFECYCLE)
    messages: list[tuple[str, dict[str, Any]]] = [
        ("market_lifecycle_v2", {"event_type": "determined", "market_ticker": "A", "result": "no",
                                 "determination_ts": 1_783_692_000, "settlement_value": "0.0000"}),
        ("market_lifecycle_v2", {"event_type": "price_level_structure_updated", "market_ticker": "A",
                                 "price_level_structure": "", "price_ranges": [
                                     {"start": "0.0000", "end": "1.0000", "step": "0.0100"}]}),
        ("market_lifecycle_v2", {"event_type": "metadata_updated", "market_ticker": "A", "floor_strike": 71799.99}),
        ("market_lifecycle_v2", {"event_type": "moved to Mars", "market_ticker": "A"}),
        ("event_lifecycle", {"event_ticker": "E", "exchange_index": 0, "title": "T", "subtitle": "S",
                             "collateral_return_type": "", "series_ticker": "KX"}),
        ("event_fee_update", {"event_ticker": "E", "fee_type_override": "quadratic", "fee_multiplier_override": 0.5}),
        ("event_fee_update", {"event_ticker": "E", "fee_type_override": None, "fee_multiplier_override": None}),
    ]  # fmt: skip
    for seq, (kind, msg) in enumerate(messages, 1):
        talk.say(kind, msg, sid=1, seq=seq)
    determined, regridded, retold, moved, event, fees, cleared = talk.take()
    assert isinstance(determined, MarketLifecycle)
    assert (determined.result, determined.settlement_value) == (Result.NO, Price(0))
    assert isinstance(regridded, MarketLifecycle)
    assert regridded.price_ranges is not None
    assert regridded.price_ranges[0].step == 10_000
    assert isinstance(retold, MarketLifecycle)
    assert str(retold.floor_strike) == "71799.99"
    assert isinstance(moved, MarketLifecycle)
    assert moved.event is LifecycleEvent.UNKNOWN
    assert isinstance(event, EventLifecycle)
    assert isinstance(fees, EventFeeUpdate)
    assert (fees.fee_type_override, str(fees.fee_multiplier_override)) == (FeeType.QUADRATIC, "0.5")
    assert isinstance(cleared, EventFeeUpdate)
    assert cleared.fee_type_override is None


def test_an_order_group_is_read() -> None:
    talk = private(Channel.GROUPS)
    talk.say("order_group_updates", {"event_type": "triggered", "order_group_id": "G", "ts_ms": 1}, sid=1, seq=1)
    (told,) = talk.take()
    assert isinstance(told, GroupUpdate)
    assert (told.event, told.contracts_limit) == (GroupEvent.TRIGGERED, None)
