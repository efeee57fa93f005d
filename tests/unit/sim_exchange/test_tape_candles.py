"""Candlesticks from what happens on the exchange: periods, sparseness, schemas."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.terms import BookSide, StrikeType
from mesh.types import Hundredths, Micros
from sim_exchange.domain.events import BookChanged, Happening, Traded
from sim_exchange.domain.types import Market, Trade
from sim_exchange.sources.base import Past
from sim_exchange.tape.candle import Candle
from sim_exchange.tape.periods import DAY, HOUR, MINUTE, period_end
from sim_exchange.tape.tape import Tape

OPEN = datetime(2026, 7, 11, 14, tzinfo=UTC)
T0 = int(OPEN.timestamp())
TICKER = "KXHIGHNY-26JUL12-T89"
FAR = T0 + 10**7


def market(ticker: str = TICKER, opened: datetime = OPEN) -> Market:
    return Market(
        ticker=ticker,
        event_ticker="KXHIGHNY-26JUL12",
        series_ticker="KXHIGHNY",
        market_id="d9a2f8f0-0000-4000-8000-000000000000",
        yes_sub_title="",
        no_sub_title="",
        rules_primary="",
        created_time=opened,
        open_time=opened,
        close_time=opened + timedelta(days=30),
        expected_expiration_time=opened + timedelta(days=30),
        latest_expiration_time=opened + timedelta(days=37),
        settlement_timer_seconds=3600,
        strike_type=StrikeType.GREATER,
    )


class Market0:
    """A market on a tape, told what happens to it in cents and contracts."""

    def __init__(self, past: Past | None = None, opened: datetime = OPEN) -> None:
        self.market = market(opened=opened)
        self.tape = Tape({TICKER: self.market}, lambda _: past or Past(TICKER))
        self._number = 0

    def at(self, seconds: float) -> datetime:
        return self.market.open_time + timedelta(seconds=seconds)

    def level(self, side: BookSide, cents: int, contracts: int, seconds: float) -> Happening:
        return BookChanged(TICKER, side, Micros(cents * 10_000), Hundredths(contracts * 100), self.at(seconds))

    def bid(self, cents: int, contracts: int, seconds: float) -> None:
        self.tape([self.level(BookSide.BID, cents, contracts, seconds)])

    def ask(self, cents: int, contracts: int, seconds: float) -> None:
        self.tape([self.level(BookSide.ASK, cents, contracts, seconds)])

    def trade(self, cents: int, contracts: float, seconds: float, side: BookSide = BookSide.BID) -> None:
        self._number += 1
        count = Hundredths(round(contracts * 100))
        self.market.open_interest = Hundredths(self.market.open_interest + count)
        self.market.volume = Hundredths(self.market.volume + count)
        self.market.last_price = Micros(cents * 10_000)
        identity = f"00000000-0000-4000-8000-{self._number:012d}"
        self.tape([Traded(Trade(
            trade_id=identity, ticker=TICKER, price=Micros(cents * 10_000), count=count, taker_side=side,
            time=self.at(seconds),
        ), house_only=False)])  # fmt: skip

    def candles(self, period: int = MINUTE, start: int = 0, end: int = FAR, *, latest: bool = False) -> list[Candle]:
        return self.tape.candles(TICKER, period, start, end, include_latest_before_start=latest)

    def json(
        self, period: int = MINUTE, start: int = 0, end: int = FAR, *, historical: bool = False
    ) -> list[dict[str, object]]:
        return [
            json.loads(bytes(raw)) for raw in self.tape.candles_json(TICKER, period, start, end, historical=historical)
        ]


def ends(candles: Sequence[Candle]) -> list[int]:
    return [(candle.end_ts - T0) // 60 for candle in candles]


def test_the_end_of_a_period_belongs_to_it() -> None:
    it = Market0()
    it.trade(40, 1, 60)
    it.trade(41, 1, 60.000001)
    it.trade(42, 1, 120)
    first, second = it.candles()
    assert ends([first, second]) == [1, 2]
    assert (first.price_close, second.price_open, second.price_close) == (400_000, 410_000, 420_000)


def test_what_happens_at_the_opening_is_in_the_first_minute_after_it() -> None:
    it = Market0()
    it.bid(40, 10, 0)
    assert ends(it.candles()) == [1]


def test_quotes_open_with_what_was_carried_over() -> None:
    it = Market0()
    it.bid(40, 10, 5)
    it.ask(45, 10, 6)
    it.bid(42, 10, 600)
    it.ask(45, -10, 615)
    it.bid(42, -10, 616)
    first, quiet_after, last = it.candles()
    assert ends([first, quiet_after, last]) == [1, 10, 11]
    assert (first.bid_open, first.bid_high, first.bid_low, first.bid_close) == (0, 400_000, 0, 400_000)
    assert (first.ask_open, first.ask_low, first.ask_close) == (1_000_000, 450_000, 450_000)
    assert (quiet_after.bid_open, quiet_after.bid_close, quiet_after.ask_open) == (400_000, 420_000, 450_000)
    assert (last.bid_open, last.bid_high, last.bid_low, last.bid_close) == (420_000, 420_000, 400_000, 400_000)
    assert (last.ask_open, last.ask_high, last.ask_close) == (450_000, 1_000_000, 1_000_000)


def test_a_size_alone_is_no_quote_change_and_depth_neither() -> None:
    it = Market0()
    it.bid(40, 10, 5)
    it.bid(40, 5, 100)
    it.bid(38, 5, 200)
    assert ends(it.candles()) == [1]


def test_prices_that_exist_only_within_a_command_are_in_no_candle() -> None:
    it = Market0()
    it.bid(40, 10, 5)
    it.tape([it.level(BookSide.BID, 40, -10, 90), it.level(BookSide.BID, 41, 10, 90)])
    last = it.candles()[-1]
    assert (last.bid_low, last.bid_high) == (400_000, 410_000)


def test_what_was_due_earlier_is_in_its_own_minute() -> None:
    it = Market0()
    it.bid(40, 10, 5)
    it.bid(39, 10, 5)
    it.tape([it.level(BookSide.BID, 40, -10, 90), it.level(BookSide.BID, 41, 10, 400)])
    _, expired, new = it.candles()
    assert (ends([expired, new]), expired.bid_close, new.bid_open, new.bid_close) == ([2, 7], 390_000, 390_000, 410_000)


def test_prices_of_trades() -> None:
    it = Market0()
    it.trade(60, 10, 10)
    it.trade(63, 30, 20)
    it.trade(57, 2.5, 30)
    it.trade(61, 1, 40)
    it.bid(50, 1, 100)
    traded, quoted = it.candles()
    assert (traded.price_open, traded.price_high, traded.price_low, traded.price_close) == (
        600_000,
        630_000,
        570_000,
        610_000,
    )
    assert traded.mean == 619_200  # 26.935 / 43.5 = 0.61919…
    assert traded.previous is None
    assert (traded.volume, traded.open_interest) == (4350, 4350)
    assert (quoted.price_open, quoted.previous, quoted.volume, quoted.open_interest) == (None, 610_000, 0, 4350)


@given(st.lists(st.tuples(st.integers(1, 9999), st.integers(1, 10**7)), min_size=1))
def test_the_mean_is_volume_weighted_to_four_decimals(trades: list[tuple[int, int]]) -> None:
    turnover = sum(price * 100 * count for price, count in trades)
    volume = sum(count for _, count in trades)
    mean = Candle(0, 0, 0, 0, 0, 0, 0, 0, 0, turnover=turnover, volume=Hundredths(volume)).mean
    assert mean is not None
    assert mean % 100 == 0
    assert -50 * volume <= turnover - mean * volume < 50 * volume


@pytest.mark.parametrize(
    ("day", "end"),
    [
        ("2026-07-11T20:00:00+00:00", "2026-07-12T04:00:00+00:00"),
        ("2026-07-12T04:00:00+00:00", "2026-07-12T04:00:00+00:00"),
        ("2026-07-12T04:00:01+00:00", "2026-07-13T04:00:00+00:00"),
        ("2026-01-05T12:00:00+00:00", "2026-01-06T05:00:00+00:00"),
        ("2026-03-08T06:00:00+00:00", "2026-03-09T04:00:00+00:00"),  # 23 hours long
        ("2026-11-01T12:00:00+00:00", "2026-11-02T05:00:00+00:00"),  # 25 hours long
    ],
)
def test_days_end_at_midnight_in_new_york(day: str, end: str) -> None:
    assert period_end(int(datetime.fromisoformat(day).timestamp()), DAY) == int(datetime.fromisoformat(end).timestamp())


@given(st.integers(1_500_000_000, 2_000_000_000))
def test_every_second_lies_in_one_day(second: int) -> None:
    end = period_end(second, DAY)
    local = datetime.fromtimestamp(end, ZoneInfo("America/New_York"))
    assert (local.hour, local.minute, local.second) == (0, 0, 0)
    assert second <= end <= second + 25 * 3600
    assert period_end(end, DAY) == end
    assert period_end(end + 1, DAY) > end


Step = tuple[str, int, int, int]
steps = st.lists(
    st.tuples(st.sampled_from(["bid", "ask", "trade"]), st.integers(1, 99), st.integers(1, 50), st.integers(0, 4000)),
    max_size=60,
)


@given(steps, st.sampled_from([HOUR, DAY]))
def test_minutes_add_up_to_hours_and_days(happenings: list[Step], period: int) -> None:
    it = Market0()
    seconds = 0
    for kind, cents, contracts, later in happenings:
        seconds += later
        if kind == "trade":
            it.trade(cents, contracts, seconds)
        else:
            (it.bid if kind == "bid" else it.ask)(cents, contracts, seconds)
    groups: dict[int, list[Candle]] = {}
    for candle in it.candles(MINUTE):
        groups.setdefault(period_end(candle.end_ts, period), []).append(candle)
    expected = [_sum(end, minutes) for end, minutes in sorted(groups.items())]
    assert it.candles(period) == expected
    assert it.json(period) == [json.loads(bytes(raw)) for raw in map(_live, expected)]


def _sum(end: int, minutes: list[Candle]) -> Candle:
    prices = [minute for minute in minutes if minute.price_open is not None]
    return Candle(
        end,
        minutes[0].bid_open,
        max(minute.bid_high for minute in minutes),
        min(minute.bid_low for minute in minutes),
        minutes[-1].bid_close,
        minutes[0].ask_open,
        max(minute.ask_high for minute in minutes),
        min(minute.ask_low for minute in minutes),
        minutes[-1].ask_close,
        prices[0].price_open if prices else None,
        max((minute.price_high or 0 for minute in prices), default=None),
        min((minute.price_low or 0 for minute in prices), default=None),
        prices[-1].price_close if prices else None,
        minutes[0].previous,
        sum(minute.turnover for minute in minutes),
        Hundredths(sum(minute.volume for minute in minutes)),
        minutes[-1].open_interest,
    )


def _live(candle: Candle) -> bytes:
    """The schema written down a second time, the slow way."""

    def dollars(micros: int | None) -> str | None:
        return None if micros is None else f"{micros / 1_000_000:.4f}"

    sides = {
        side: {
            f"{part}_dollars": dollars(getattr(candle, f"{side}_{part}")) for part in ("open", "high", "low", "close")
        }
        for side in ("bid", "ask", "price")
    }
    sides["price"] |= {"mean_dollars": dollars(candle.mean), "previous_dollars": dollars(candle.previous)}
    price = {key: value for key, value in sides["price"].items() if value is not None}
    return json.dumps({
        "end_period_ts": candle.end_ts, "yes_bid": sides["bid"], "yes_ask": sides["ask"], "price": price,
        "volume_fp": f"{candle.volume / 100:.2f}", "open_interest_fp": f"{candle.open_interest / 100:.2f}",
    }).encode()  # fmt: skip


def test_ranges_include_both_ends_and_the_running_period() -> None:
    it = Market0()
    for minute in range(10):
        it.trade(40 + minute, 1, minute * 60 + 30)
    assert ends(it.candles(start=T0 + 180, end=T0 + 300)) == [3, 4, 5]
    assert ends(it.candles(start=T0 + 181, end=T0 + 299)) == [4]
    assert ends(it.candles(start=T0 + 600)) == [10]  # still running
    assert [candle.end_ts - T0 for candle in it.candles(HOUR)] == [3600]
    assert it.candles(HOUR, end=T0 + 3599) == []


def test_the_latest_before_the_start_is_carried_to_the_first_boundary() -> None:
    it = Market0()
    it.bid(40, 10, 5)
    it.trade(42, 3, 10)
    it.trade(50, 3, 3000)
    found = it.candles(start=T0 + 610, latest=True)
    assert ends(found) == [11, 50]
    synthetic = found[0]
    assert (synthetic.price_open, synthetic.previous, synthetic.volume) == (None, 420_000, 0)
    assert (synthetic.bid_open, synthetic.bid_close, synthetic.open_interest) == (400_000, 400_000, 300)
    assert ends(it.candles(start=T0 + 600, latest=True)) == [11, 50]
    assert ends(it.candles(start=T0 + 2940, latest=True)) == [50]  # a real one is there
    assert ends(it.candles(start=T0 + 30, latest=True)) == [1, 50]  # none before
    assert ends(it.candles(start=T0 + 610, end=T0 + 650, latest=True)) == []  # beyond the end
    assert ends(it.candles(start=T0 + 4000, latest=True)) == [67]
    (raw,) = it.tape.candles_json(TICKER, MINUTE, T0 + 4000, FAR, include_latest_before_start=True)
    assert json.loads(bytes(raw))["price"] == {"previous_dollars": "0.5000"}


def test_schemas_are_as_recorded() -> None:
    it = Market0()
    it.bid(58, 1, 1)
    it.ask(59, 1, 1)
    it.trade(59, 354.71, 30)
    it.ask(59, -1, 100)
    quotes = {"open_dollars": "0.0000", "high_dollars": "0.5800", "low_dollars": "0.0000", "close_dollars": "0.5800"}
    prices = dict.fromkeys(("open_dollars", "high_dollars", "low_dollars", "close_dollars", "mean_dollars"), "0.5900")
    live = it.json()
    assert live[0]["price"] == prices
    assert live[0]["yes_bid"] == quotes
    assert (live[0]["volume_fp"], live[0]["open_interest_fp"]) == ("354.71", "354.71")
    assert live[1]["price"] == {"previous_dollars": "0.5900"}
    archived = it.json(historical=True)
    assert archived[0]["price"] == {key.removesuffix("_dollars"): value for key, value in prices.items()} | {
        "previous": None
    }
    assert archived[0]["yes_bid"] == {key.removesuffix("_dollars"): value for key, value in quotes.items()}
    assert (archived[0]["volume"], archived[0]["open_interest"]) == ("354.71", "354.71")
    assert archived[1]["price"] == dict.fromkeys(("open", "high", "low", "close", "mean")) | {"previous": "0.5900"}


def test_a_market_that_never_traded_has_an_empty_price() -> None:
    it = Market0()
    it.bid(58, 1, 1)
    assert it.json()[0]["price"] == {}


def test_the_past_goes_on_into_the_present() -> None:
    hour = Candle(T0 - 7200, 0, 300_000, 0, 300_000, 1_000_000, 1_000_000, 350_000, 350_000, 310_000, 310_000, 310_000,
                  310_000, None, 310_000 * 500, Hundredths(500), Hundredths(400))  # fmt: skip
    minute = Candle(T0 - 600, 300_000, 320_000, 300_000, 320_000, 350_000, 350_000, 350_000, 350_000, None, None, None,
                    None, 310_000, 0, Hundredths(0), Hundredths(400))  # fmt: skip
    it = Market0(Past(TICKER, [minute], [hour]), opened=OPEN - timedelta(days=1))
    it.trade(33, 1, 86_400 + 10)
    old, new = it.candles()
    assert old == minute
    assert (new.bid_open, new.ask_open, new.previous) == (320_000, 350_000, 310_000)
    assert [candle.end_ts - T0 for candle in it.candles(HOUR)] == [-7200, 0, 3600]
    assert [candle.volume for candle in it.candles(DAY)] == [600]


def test_many_cached_candles_stay_right_when_the_cache_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim_exchange.tape.tape._CACHED", 5)
    it = Market0()
    for minute in range(20):
        it.trade(40 + minute, 1, minute * 60 + 30)
    expected = [json.loads(_live(candle)) for candle in it.candles()]
    for _ in range(3):
        assert it.json() == expected
