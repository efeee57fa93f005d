"""What is recorded is loaded as it is, event by event; what cannot be is left out and counted by its name."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.errors import InvalidInput, NotFound
from mesh.kalshi.grid import GRIDS
from mesh.shards import Content, Hole, HoleReason
from research.loading import Recording, load
from research.shard_rows import COLUMNS
from research.types import ABSENT, CLOSE, DOUBTFUL, HIGH, LOW, OPEN, Defects, RecordedEvent, RecordedMarket, Strip
from tests.fakes.recorded_stores import (
    BEGIN,
    EVENT,
    SERIES,
    Row,
    candle,
    hour,
    ladder,
    market,
    write_candles,
    write_markets,
)
from tests.fakes.recorded_stores import CLOSE as CLOSE_TIME

FIRST, SECOND = f"{EVENT}-B40.5", f"{EVENT}-B42.5"
NEXT = "KXHIGHNY-26JAN06"


def loaded(root: Path, series: str = SERIES, **asked: Any) -> tuple[list[RecordedEvent], Counter[str]]:
    defects = Defects()
    wanted: Any = {"step_seconds": 3600} | asked
    events = list(load(root, series, **wanted, defects=defects))
    return events, defects.counts


def only(root: Path, rows: list[Row], **asked: Any) -> tuple[RecordedMarket, Counter[str]]:
    """Write one shard, beside a table of markets, and load its one market."""
    write_candles(root, rows)
    write_markets(root, ladder())
    events, counts = loaded(root, **asked)
    return events[0].markets[0], counts


def same(one: Strip, other: Strip) -> bool:
    columns = ("ends", "bids", "asks", "trades", "volumes")
    return one.step_seconds == other.step_seconds and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in columns
    )


def test_a_candle_is_loaded_with_every_value_in_its_place(tmp_path: Path) -> None:
    moments = {"open": 1, "high": 3, "low": 0, "close": 2}
    values = {
        f"{kind}_{moment}_micros": 10_000 * (base + place)
        for kind, base in (("yes_bid", 10), ("yes_ask", 20), ("price", 15))
        for moment, place in moments.items()
    }
    found, counts = only(tmp_path, [candle(FIRST, hour(1), **values, volume_hundredths=250)])
    strip = found.decisions
    assert strip.ends.tolist() == [int(hour(1).timestamp())]
    assert strip.bids.tolist() == [[110_000, 130_000, 100_000, 120_000]]
    assert strip.asks.tolist() == [[210_000, 230_000, 200_000, 220_000]]
    assert strip.trades.tolist() == [[160_000, 180_000, 150_000, 170_000]]
    assert (strip.volumes.tolist(), strip.step_seconds) == ([250], 3600)
    assert counts == {"price_grid_assumed": 1, "market_without_candles": 3, "market_without_result": 1}


def test_what_was_not_recorded_is_absent_and_never_zero(tmp_path: Path) -> None:
    found, _ = only(tmp_path, [candle(FIRST, hour(1), None, 10_000)])
    assert found.decisions.bids.tolist() == [[ABSENT] * 4]
    assert found.decisions.asks.tolist() == [[ABSENT, ABSENT, ABSENT, 10_000]]
    assert found.decisions.trades.tolist() == [[ABSENT] * 4]
    assert found.decisions.volumes.tolist() == [ABSENT]


def test_a_bid_of_nothing_and_an_ask_of_a_dollar_say_that_nobody_is_there(tmp_path: Path) -> None:
    found, counts = only(tmp_path, [candle(FIRST, hour(1), 0, 1_000_000)])
    assert (found.decisions.bids[0, CLOSE], found.decisions.asks[0, CLOSE]) == (ABSENT, ABSENT)
    assert not counts["price_outside"]


def test_events_come_in_the_order_of_their_first_candles_wherever_these_are(tmp_path: Path) -> None:
    later = "KXHIGHNY-26JAN04"  # first by name, last by time
    write_candles(tmp_path, [candle(f"{later}-B40.5", hour(9))])
    write_candles(tmp_path, [candle(FIRST, hour(5))])
    write_candles(tmp_path, [candle(f"{NEXT}-B40.5", hour(7))])
    write_candles(tmp_path, [candle(f"{NEXT}-B40.5", hour(4), step=60)])
    events, _ = loaded(tmp_path)
    assert [event.event_ticker for event in events] == [NEXT, EVENT, later]
    recording = Recording(tmp_path, SERIES, step_seconds=3600, defects=Defects())
    assert recording.event_tickers == (NEXT, EVENT, later)
    again = [[event.event_ticker for event in recording.load(Defects())] for _ in range(2)]
    assert again == [[NEXT, EVENT, later]] * 2


def test_one_event_at_a_time_is_read(tmp_path: Path) -> None:
    write_candles(tmp_path, [candle(FIRST, hour(1))])
    write_candles(tmp_path, [candle(f"{NEXT}-B40.5", hour(2))])
    events = load(tmp_path, SERIES, step_seconds=3600, defects=Defects())
    next(events)
    (tmp_path / "candles" / "60m" / SERIES / f"{NEXT}.parquet").unlink()
    with pytest.raises(Exception, match="FILE_MISSING"):
        next(events)


@pytest.mark.parametrize(
    ("asked", "reason", "text"),
    [
        ({"series": "KXHIGHMIA"}, "SERIES_MISSING", "KXHIGHNY"),
        ({"step_seconds": 60}, "STEP_MISSING", "3600 s"),
        ({"events": [EVENT, "KXHIGHNY-26FEB01"]}, "EVENTS_MISSING", "of KXHIGHNY-26FEB01"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, asked: dict[str, Any], reason: str, text: str) -> None:
    write_candles(tmp_path, [candle(FIRST, hour(1))])
    with pytest.raises(NotFound, match=text) as refused:
        loaded(tmp_path, **asked)
    assert refused.value.reason == reason


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="STORE_EMPTY"):
        loaded(tmp_path / "nowhere")


def test_candles_without_quotes_are_counted_and_nothing_else_is_an_error(tmp_path: Path) -> None:
    write_candles(tmp_path, [candle(FIRST, hour(1), None, None)], content=Content.PRICES)
    with pytest.raises(NotFound, match="PRICES_ALONE"):
        loaded(tmp_path)
    write_candles(tmp_path, [candle(f"{NEXT}-B40.5", hour(2))])
    write_candles(tmp_path, [candle(f"{NEXT}-B40.5", hour(2), None, None, step=60)], content=Content.PRICES)
    events, counts = loaded(tmp_path)
    assert [event.event_ticker for event in events] == [NEXT]
    assert counts["prices_alone"] == 2
    assert events[0].markets[0].path.step_seconds == 3600


@pytest.mark.parametrize("asked", [{"step_seconds": 7}, {"path_step_seconds": 86_400}, {"path_step_seconds": 7}])
def test_steps_that_the_exchange_does_not_have_are_refused(tmp_path: Path, asked: dict[str, Any]) -> None:
    write_candles(tmp_path, [candle(FIRST, hour(1))])
    with pytest.raises(InvalidInput, match="3600"):
        loaded(tmp_path, **asked)


def test_a_bound_without_a_zone_is_refused(tmp_path: Path) -> None:
    write_candles(tmp_path, [candle(FIRST, hour(1))])
    with pytest.raises(InvalidInput, match="zone"):
        loaded(tmp_path, last=datetime(2026, 1, 5))  # noqa: DTZ001  that is the point


def test_holes_are_counted_by_their_reasons(tmp_path: Path) -> None:
    holes = (Hole(SECOND, HoleReason.NO_DATA, "nothing"), Hole(f"{EVENT}-T40", HoleReason.RATE_LIMITED))
    write_candles(tmp_path, [candle(FIRST, hour(1))], holes=holes)
    defects = Defects()
    list(load(tmp_path, SERIES, step_seconds=3600, defects=defects))
    assert (defects.counts["hole_no_data"], defects.counts["hole_rate_limited"]) == (1, 1)
    assert defects.examples["hole_no_data"] == f"{SERIES}/{EVENT}/60m: {SECOND} nothing"


def test_rows_out_of_order_are_put_in_order_and_counted(tmp_path: Path) -> None:
    rows = [candle(SECOND, hour(1)), candle(FIRST, hour(3), 400_000, 410_000), candle(FIRST, hour(2), 200_000)]
    write_candles(tmp_path, rows)
    (event,), counts = loaded(tmp_path)
    assert [each.terms.ticker for each in event.markets] == [FIRST, SECOND]
    assert event.markets[0].decisions.bids[:, CLOSE].tolist() == [200_000, 400_000]
    assert counts["rows_unsorted"] == 2


def test_of_equal_rows_one_is_kept_and_of_contradicting_ones_none(tmp_path: Path) -> None:
    rows = [
        *(candle(FIRST, hour(1)) for _ in range(3)),
        *(candle(FIRST, hour(2), bid) for bid in (100_000, 100_000, 110_000)),
        candle(FIRST, hour(3)),
    ]
    found, counts = only(tmp_path, rows)
    assert found.decisions.ends.tolist() == [int(hour(each).timestamp()) for each in (1, 3)]
    assert (counts["row_twice"], counts["rows_contradict"]) == (2, 3)


def test_an_event_of_which_nothing_is_left_is_passed_over(tmp_path: Path) -> None:
    write_candles(tmp_path, [candle(FIRST, hour(1)), candle(FIRST, hour(1), 100_000)])
    events, counts = loaded(tmp_path)
    assert (events, counts["rows_contradict"]) == ([], 2)
    assert loaded(tmp_path, events=[])[0] == []


def test_rows_of_another_event_are_left_out_and_counted(tmp_path: Path) -> None:
    found, counts = only(tmp_path, [candle(FIRST, hour(1)), candle(f"{NEXT}-B40.5", hour(1))])
    assert found.terms.ticker == FIRST
    assert counts["row_of_another_shard"] == 1


def test_rows_of_another_step_are_left_out_and_counted(tmp_path: Path) -> None:
    found, counts = only(tmp_path, [candle(FIRST, hour(1)), candle(FIRST, hour(2), step=60)])
    assert found.decisions.ends.tolist() == [int(hour(1).timestamp())]
    assert counts["row_of_another_shard"] == 1


def test_a_market_that_an_earlier_event_has_already_is_left_out_and_counted(tmp_path: Path) -> None:
    strange = dict(candle(f"{NEXT}-B40.5", hour(3)), market_ticker=FIRST)
    write_candles(tmp_path, [candle(FIRST, hour(1))])
    write_candles(tmp_path, [candle(f"{NEXT}-B40.5", hour(2)), strange])
    events, counts = loaded(tmp_path)
    assert [[one.terms.ticker for one in each.markets] for each in events] == [[FIRST], [f"{NEXT}-B40.5"]]
    assert counts["market_of_another_event"] == 1


@pytest.mark.parametrize(("bid", "ask"), [(330_000, 320_000), (320_000, 320_000)])
def test_a_bid_that_is_not_below_the_ask_is_no_quote(tmp_path: Path, bid: int, ask: int) -> None:
    rows = [candle(FIRST, hour(1), bid, ask), candle(FIRST, hour(2))]
    found, counts = only(tmp_path, rows)
    assert found.decisions.bids[:, CLOSE].tolist() == [DOUBTFUL[0], 300_000]
    assert found.decisions.asks[:, CLOSE].tolist() == [DOUBTFUL[1], 320_000]
    assert counts["crossed_quote"] == 1


@pytest.mark.parametrize(
    ("bid", "ask", "name"),
    [
        (-1, 320_000, "price_outside"),
        (-70_000, 320_000, "price_outside"),
        (1_000_000, 1_000_000, "price_outside"),
        (300_000, 0, "price_outside"),
        (300_000, 1_010_000, "price_outside"),
        (305_000, 320_000, "price_off_grid"),
    ],
)
def test_a_quote_with_a_price_that_cannot_be_is_not_known_and_counted(
    tmp_path: Path, bid: int, ask: int, name: str
) -> None:
    found, counts = only(tmp_path, [candle(FIRST, hour(1), bid, ask)])
    assert (found.decisions.bids[0, CLOSE], found.decisions.asks[0, CLOSE]) == DOUBTFUL
    assert counts[name] == 1


def test_highs_and_lows_that_their_candle_contradicts_are_absent_and_counted(tmp_path: Path) -> None:
    wrong = {"yes_bid_open_micros": 300_000, "yes_bid_high_micros": 290_000, "yes_bid_low_micros": 280_000}
    found, counts = only(tmp_path, [candle(FIRST, hour(1), **wrong)])
    assert found.decisions.bids[0, [OPEN, CLOSE]].tolist() == [300_000, 300_000]
    assert found.decisions.bids[0, [HIGH, LOW]].tolist() == [ABSENT, ABSENT]
    assert counts["high_low_contradicted"] == 1


def test_the_rest_that_cannot_be_is_counted_too(tmp_path: Path) -> None:
    odd = candle(FIRST, hour(1) + timedelta(seconds=7), volume_hundredths=-5)
    found, counts = only(tmp_path, [odd])
    assert found.decisions.volumes.tolist() == [ABSENT]
    assert (counts["volume_below_zero"], counts["end_off_step"]) == (1, 1)


def test_prices_are_held_against_the_grid_that_was_recorded(tmp_path: Path) -> None:
    grid = [
        {"start_micros": band.start, "end_micros": band.end, "step_micros": band.step} for band in GRIDS["deci_cent"]
    ]
    write_candles(tmp_path, [candle(FIRST, hour(1), 301_000, 303_500), candle(SECOND, hour(1), 301_000)])
    write_markets(tmp_path, [market(FIRST, price_grid=grid), market(SECOND)])
    (event,), counts = loaded(tmp_path)
    first, second = event.markets
    assert (first.terms.bands, second.terms.bands) == (GRIDS["deci_cent"], GRIDS["linear_cent"])
    assert (first.decisions.bids[0, CLOSE], first.decisions.asks[0, CLOSE]) == DOUBTFUL
    assert (second.decisions.bids[0, CLOSE], second.decisions.asks[0, CLOSE]) == DOUBTFUL
    assert (counts["price_off_grid"], counts["price_grid_assumed"]) == (2, 1)


def test_the_ends_of_a_band_are_prices_and_nothing_beyond_them_is(tmp_path: Path) -> None:
    write_candles(tmp_path, [candle(FIRST, hour(1), 100_000, 900_000), candle(FIRST, hour(2), 90_000, 910_000)])
    write_markets(
        tmp_path, [market(FIRST, price_grid=[{"start_micros": 100_000, "end_micros": 900_000, "step_micros": 10_000}])]
    )
    (event,), counts = loaded(tmp_path)
    strip = event.markets[0].decisions
    found = list(zip(strip.bids[:, CLOSE].tolist(), strip.asks[:, CLOSE].tolist(), strict=True))
    assert found == [(100_000, 900_000), DOUBTFUL]
    assert counts["price_off_grid"] == 2


def test_a_grid_that_is_none_is_counted_and_the_usual_one_taken(tmp_path: Path) -> None:
    write_candles(tmp_path, [candle(FIRST, hour(1))])
    write_markets(tmp_path, [market(FIRST, price_grid=[{"start_micros": 9, "end_micros": 5, "step_micros": 1}])])
    (event,), counts = loaded(tmp_path)
    assert event.markets[0].terms.bands == GRIDS["linear_cent"]
    assert (counts["price_grid_unreadable"], counts["price_grid_assumed"]) == (1, 1)


def test_markets_without_candles_and_candles_without_a_market_are_counted(tmp_path: Path) -> None:
    stranger = f"{EVENT}-B44.5"
    write_candles(tmp_path, [candle(FIRST, hour(1)), candle(stranger, hour(1))])
    write_markets(tmp_path, ladder())
    (event,), counts = loaded(tmp_path)
    assert [each.terms.ticker for each in event.markets] == [FIRST, stranger]
    assert (counts["market_without_candles"], counts["market_not_listed"]) == (3, 1)
    assert event.markets[1].terms.close_time == CLOSE_TIME  # of its event
    assert counts["close_as_of_its_event"] == 1


def test_a_folder_without_a_table_of_markets_still_loads(tmp_path: Path) -> None:
    write_candles(tmp_path, [candle(FIRST, hour(1)), candle(FIRST, hour(3)), candle(SECOND, hour(5))])
    (event,), counts = loaded(tmp_path)
    assert {each.terms.close_time for each in event.markets} == {hour(5)}
    assert (counts["markets_not_listed"], counts["market_not_listed"], counts["close_unknown"]) == (1, 2, 2)


def test_a_market_listed_twice_is_counted_and_read_as_it_came_first(tmp_path: Path) -> None:
    write_candles(tmp_path, [candle(FIRST, hour(1))])
    write_markets(tmp_path, [market(FIRST, result="yes"), market(FIRST, result="no")])
    (event,), counts = loaded(tmp_path)
    assert event.markets[0].outcome is not None
    assert event.markets[0].outcome.yes_value == 1_000_000
    assert counts["market_listed_twice"] == 1


def test_an_unknown_close_is_that_of_the_events_beside(tmp_path: Path) -> None:
    write_candles(tmp_path, [candle(FIRST, hour(1))])
    before, after = (CLOSE_TIME + timedelta(days=days) for days in (-1, 2))
    rows = [
        market("KXHIGHNY-26JAN04-B40.5", close_time=before),
        market(FIRST, close_time=None),
        market("KXHIGHNY-26JAN07-B40.5", close_time=after),
    ]
    write_markets(tmp_path, rows)
    (event,), counts = loaded(tmp_path)
    assert event.markets[0].terms.close_time == CLOSE_TIME
    assert counts["close_as_of_events_beside"] == 1
    rows[2]["close_time"] = after + timedelta(hours=1)
    write_markets(tmp_path, rows)
    (event,), counts = loaded(tmp_path)
    assert event.markets[0].terms.close_time == hour(1)
    assert counts["close_unknown"] == 1


def test_candles_that_began_after_the_close_are_left_out_and_counted(tmp_path: Path) -> None:
    last = datetime(2026, 1, 6, 5, tzinfo=UTC)  # began before the close, ends a minute after it
    rows = [candle(FIRST, end) for end in (hour(1), last, last + timedelta(hours=1), last + timedelta(hours=7))]
    found, counts = only(tmp_path, rows)
    assert found.decisions.ends.tolist() == [int(hour(1).timestamp()), int(last.timestamp())]
    assert counts["candle_after_close"] == 2


def test_a_candle_that_began_at_the_very_close_is_left_out(tmp_path: Path) -> None:
    write_candles(tmp_path, [candle(FIRST, hour(each)) for each in (1, 2, 3)])
    write_markets(tmp_path, [market(FIRST, close_time=hour(2))])
    (event,), counts = loaded(tmp_path)
    assert event.markets[0].decisions.ends.tolist() == [int(hour(each).timestamp()) for each in (1, 2)]
    assert counts["candle_after_close"] == 1


def test_a_market_with_nothing_but_candles_after_its_close_is_none(tmp_path: Path) -> None:
    write_candles(tmp_path, [candle(FIRST, hour(1))])
    write_markets(tmp_path, [market(FIRST, close_time=BEGIN - timedelta(days=1))])
    events, counts = loaded(tmp_path)
    assert (events, counts["candle_after_close"]) == ([], 1)


def test_the_path_has_at_every_end_the_finest_candle(tmp_path: Path) -> None:
    minute = timedelta(minutes=1)
    write_candles(tmp_path, [candle(FIRST, hour(each), 100_000) for each in (1, 2, 3)] + [candle(SECOND, hour(1))])
    write_candles(tmp_path, [candle(FIRST, end, 200_000, step=60) for end in (hour(2) - minute, hour(2))])
    (event,), _ = loaded(tmp_path)
    first, second = event.markets
    ends = [hour(1), hour(2) - minute, hour(2), hour(3)]
    assert first.path.ends.tolist() == [int(end.timestamp()) for end in ends]
    assert first.path.bids[:, CLOSE].tolist() == [100_000, 200_000, 200_000, 100_000]
    assert first.decisions.bids[:, CLOSE].tolist() == [100_000] * 3
    assert (first.path.step_seconds, second.path.step_seconds) == (60, 3600)
    (event,), _ = loaded(tmp_path, path_step_seconds=3600)
    assert same(event.markets[0].path, event.markets[0].decisions)


PRICES = st.none() | st.integers(1, 99).map(lambda cents: 10_000 * cents)
COUNTS = st.none() | st.integers(0, 10**9)
MINUTES = st.sets(st.integers(0, 9 * 60), min_size=1, max_size=12)


@st.composite
def recordings(draw: st.DrawFn) -> list[Row]:
    """Rows of one shard of minutes, sorted, with values that can be."""
    rows = []
    for ticker in sorted(
        draw(st.sets(st.sampled_from([f"{EVENT}-{end}" for end in ("B40.5", "B42.5", "T40")]), min_size=1))
    ):
        for minute in sorted(draw(MINUTES)):
            row = candle(ticker, BEGIN + timedelta(minutes=minute), None, None, step=60)
            for kind in ("yes_bid", "yes_ask", "price"):
                values = sorted(draw(st.lists(st.integers(1, 32), min_size=4, max_size=4)))
                shift = {"yes_bid": 0, "price": 33, "yes_ask": 66}[kind]
                for moment, value in zip(("low", "open", "close", "high"), values, strict=True):
                    row[f"{kind}_{moment}_micros"] = draw(st.sampled_from([None, 10_000 * (shift + value)]))
            row["volume_hundredths"] = draw(COUNTS)
            rows.append(row)
    return rows


@settings(max_examples=15, deadline=None)
@given(rows=recordings(), cut=st.integers(0, 9 * 60))
def test_what_is_written_is_loaded_and_cut_at_a_moment_it_is_what_was_known_then(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], cut: int
) -> None:
    root = tmp_path_factory.mktemp("whole")
    write_candles(root, rows)
    write_markets(root, ladder())
    (event,), _ = loaded(root, step_seconds=60)
    back = [
        {
            "market_ticker": each.terms.ticker,
            "end_time": datetime.fromtimestamp(int(end), UTC),
            "volume_hundredths": None if volume == ABSENT else volume,
            **{
                f"{kind}_{moment}_micros": None if value == ABSENT else value
                for kind, column in (("yes_bid", bids), ("yes_ask", asks), ("price", trades))
                for moment, value in zip(("open", "high", "low", "close"), column.tolist(), strict=True)
            },
        }
        for each in event.markets
        for end, bids, asks, trades, volume in zip(
            each.path.ends.tolist(),
            each.path.bids,
            each.path.asks,
            each.path.trades,
            each.path.volumes.tolist(),
            strict=True,
        )
    ]
    kept = [name for name in COLUMNS if name not in {"event_ticker", "step_seconds"}]
    assert back == [{name: row[name] for name in kept} for row in rows]

    moment = BEGIN + timedelta(minutes=cut)
    known = [row for row in rows if row["end_time"] <= moment]
    past = root / "past"
    if known:
        write_candles(past, known)
        write_markets(past, ladder())
    then = {each.terms.ticker: each for each in loaded(past, step_seconds=60)[0][0].markets} if known else {}
    bound = {
        each.terms.ticker: each for found in loaded(root, step_seconds=60, last=moment)[0] for each in found.markets
    }
    for each in event.markets:
        strip = each.path.until(int(moment.timestamp()))
        if not len(strip.ends):
            assert each.terms.ticker not in then | bound
            continue
        for cutting in (then, bound):
            assert same(strip, cutting[each.terms.ticker].path)
            assert cutting[each.terms.ticker].terms == each.terms
