import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.rest.batch_wire import PlacedBatch
from mesh.kalshi.rest.historical_wire import ArchivedCandle
from mesh.kalshi.rest.order_wire import Amended, Placed
from mesh.kalshi.rest.portfolio_wire import Fill
from mesh.kalshi.rest.price_wire import Candle, EventCandles, Levels, Prints, Trade
from mesh.kalshi.rest.wire import decode
from mesh.kalshi.terms import BookSide
from mesh.types import DOLLAR, Hundredths, Price, Side, count_text

PRICES = st.integers(0, 10_000).map(lambda step: Price(step * 100))
COUNTS = st.integers(1, 10**8).map(Hundredths)


def read(kind: Any, **fields: Any) -> Any:
    return decode(json.dumps(fields).encode(), kind)


def quotes(suffix: str, price: str = "0.4000") -> dict[str, str]:
    return {f"{name}{suffix}": price for name in ("open", "high", "low", "close")}


def candle(**changed: Any) -> dict[str, Any]:
    return {
        "end_period_ts": 1_783_674_000,
        "yes_bid": quotes("_dollars"),
        "yes_ask": quotes("_dollars", "0.4200"),
        "price": {**quotes("_dollars", "0.4100"), "mean_dollars": "0.4100", "previous_dollars": "0.4000"},
        "volume_fp": "1.00",
        "open_interest_fp": "1.00",
        **changed,
    }


def fill(yes: str, no: str) -> dict[str, Any]:
    return {
        "fill_id": "F", "trade_id": "F", "order_id": "O", "ticker": "A", "book_side": "ask", "count_fp": "1.00",
        "yes_price_dollars": yes, "no_price_dollars": no, "is_taker": True, "fee_cost": "0.017500",
    }  # fmt: skip


@given(PRICES)
def test_a_fill_has_a_price_for_each_side(price: Price) -> None:
    read_ = read(Fill, **fill(price.dollars(), price.complement.dollars()))

    assert read_.price(Side.YES) == price
    assert read_.price(Side.NO) == price.complement


@given(PRICES, PRICES)
def test_two_prices_that_do_not_make_a_dollar_are_refused(yes: Price, no: Price) -> None:
    body = json.dumps(fill(yes.dollars(), no.dollars())).encode()

    if yes + no == DOLLAR:
        assert decode(body, Fill).yes_price == yes
    else:
        with pytest.raises(msgspec.DecodeError, match="do not make a dollar"):
            decode(body, Fill)


def test_a_trade_carries_the_side_of_its_taker() -> None:
    trade = read(
        Trade, trade_id="T", ticker="A", count_fp="0.01", yes_price_dollars="0.0010", no_price_dollars="0.9990",
        taker_book_side="sideways", created_time="2026-06-15T15:48:42Z", is_block_trade=False,
    )  # fmt: skip

    assert trade.taker_book_side is BookSide.UNKNOWN
    assert (trade.count, trade.price(Side.NO)) == (1, 999_000)


@given(st.dictionaries(PRICES, COUNTS, max_size=8), st.dictionaries(PRICES, COUNTS, max_size=8))
def test_a_book_is_read_best_first_on_the_yes_scale(yes: dict[Price, Hundredths], no: dict[Price, Hundredths]) -> None:
    levels = read(
        Levels,
        yes_dollars=[(price.dollars(), count_text(count)) for price, count in sorted(yes.items())],
        no_dollars=[(price.dollars(), count_text(count)) for price, count in sorted(no.items())],
    )

    assert list(levels.bids) == sorted(yes.items(), reverse=True)
    assert list(levels.asks) == sorted((price.complement, count) for price, count in no.items())


@pytest.mark.parametrize("level", [["0.4700"], ["0.4700", "1.00", "1.00"], [0.47, "1.00"], ["0.4700", 1], "0.4700"])
def test_a_level_of_another_shape_is_refused(level: Any) -> None:
    with pytest.raises(msgspec.DecodeError, match="yes_dollars"):
        read(Levels, yes_dollars=[level], no_dollars=[])


def test_a_candle_without_orders_on_a_side_has_no_quotes_there() -> None:
    empty = decode(
        json.dumps(candle(yes_bid=quotes("_dollars", "0.0000"), yes_ask=quotes("_dollars", "1.0000"))).encode(), Candle
    )

    assert (empty.bid.open, empty.bid.high, empty.bid.low, empty.bid.close) == (None,) * 4
    assert (empty.ask.open, empty.ask.high, empty.ask.low, empty.ask.close) == (None,) * 4
    # The other side's mark is a price like any other.
    turned = decode(
        json.dumps(candle(yes_bid=quotes("_dollars", "1.0000"), yes_ask=quotes("_dollars", "0.0000"))).encode(), Candle
    )
    assert (turned.bid.close, turned.ask.close) == (Price(DOLLAR), Price(0))


@pytest.mark.parametrize("dropped", ["open_dollars", "high_dollars", "low_dollars", "close_dollars", "mean_dollars"])
def test_half_a_set_of_trade_prices_is_refused(dropped: str) -> None:
    prices = {name: price for name, price in candle()["price"].items() if name != dropped}

    with pytest.raises(msgspec.DecodeError, match=r"\$\.price"):
        read(Candle, **candle(price=prices))


def test_volume_without_a_price_is_refused_and_a_quiet_period_is_not() -> None:
    with pytest.raises(msgspec.DecodeError, match="at no price"):
        read(Candle, **candle(price={"previous_dollars": "0.4000"}))

    quiet = read(Candle, **candle(price={"previous_dollars": "0.4000"}, volume_fp="0.00"))
    assert quiet.trades == Prints(previous=Price(400_000))
    assert read(Candle, **candle(price={}, volume_fp="0.00")).trades == Prints()


def test_the_archives_candle_is_the_same_as_the_live_one() -> None:
    live = read(Candle, **candle())
    body: dict[str, Any] = {
        "end_period_ts": 1_783_674_000, "yes_bid": quotes(""), "yes_ask": quotes("", "0.4200"),
        "price": {**quotes("", "0.4100"), "mean": "0.4100", "previous": "0.4000"}, "volume": "1.00",
        "open_interest": "1.00",
    }  # fmt: skip

    assert read(ArchivedCandle, **body).candle() == live
    with pytest.raises(msgspec.DecodeError, match="at no price"):
        read(ArchivedCandle, **{**body, "price": dict.fromkeys(body["price"])})
    with pytest.raises(msgspec.DecodeError, match="volume"):
        read(ArchivedCandle, **{**body, "volume": 1})


def test_parallel_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(msgspec.DecodeError, match="2 markets, candles of 1"):
        read(EventCandles, market_tickers=["A", "B"], market_candlesticks=[[]], adjusted_end_ts=0)
    assert read(EventCandles, market_tickers=["A"], market_candlesticks=[[]], adjusted_end_ts=0).by_market() == {
        "A": ()
    }


@pytest.mark.parametrize("kind", [Placed, Amended])
def test_a_fill_without_its_price_is_refused(kind: Any) -> None:
    body = {"order_id": "O", "fill_count": "1.00", "remaining_count": "0.00", "ts_ms": 1}

    with pytest.raises(msgspec.DecodeError, match="at no price"):
        read(kind, **body)
    assert read(kind, **body, average_fill_price="0.5200", average_fee_paid="0.0175").average_fee == 17_500


def test_an_answer_to_a_batch_is_read_even_where_one_item_is_hollow() -> None:
    batch = read(PlacedBatch, orders=[{}, {"error": None}, {"order_id": "O"}])

    assert [item.order_id for item in batch.orders] == [None, None, "O"]
