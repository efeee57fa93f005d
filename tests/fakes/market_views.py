"""Markets to be drawn: a rise, gaps, no forecast, one point, a price that never moves."""

import math
from datetime import UTC, datetime, timedelta

from foremesh.forecast.v1 import forecast_pb2, signal_pb2
from foremesh.market.v1 import market_pb2
from foremesh.trader.v1 import decisions_pb2, market_view_pb2, positions_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

NOW = datetime(2026, 11, 23, 19, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
_CANDLE = NOW.replace(minute=0)


def instant(time: datetime) -> Timestamp:
    """Return a time as messages have it."""
    found = Timestamp()
    found.FromDatetime(time)
    return found


def length(span: timedelta) -> Duration:
    """Return a length of time as messages have it."""
    found = Duration()
    found.FromTimedelta(span)
    return found


def price(hour: float) -> float:
    """Return where YES stands so many hours from now."""
    return 60 + 8 * math.sin(hour / 5) - 0.2 * hour


def signal(candle: datetime, *, steps: int = 6, move: float = -7.0) -> decisions_pb2.ScanSignal:
    """Make a forecast from a candle on."""
    start = price((candle - NOW) / HOUR)
    means = [start + move * place / steps for place in range(1, steps + 1)]
    spreads = [3 * math.sqrt(place) for place in range(1, steps + 1)]
    path = forecast_pb2.ForecastPath(
        horizon_steps=steps,
        mean_cents=means,
        quantile_levels=[0.1, 0.5, 0.9],
        quantiles_cents=[
            cents for mean, by in zip(means, spreads, strict=True) for cents in (mean - by, mean, mean + by)
        ],
    )
    return decisions_pb2.ScanSignal(
        scan_id="s-1",
        market_ticker="KXHIGHNY-26NOV23-B41.5",
        series_ticker="KXHIGHNY",
        side=market_pb2.CONTRACT_SIDE_NO,
        signal=signal_pb2.Signal(current_price_cents=start, path=path),
        last_candle_time=instant(candle),
        step=length(HOUR),
        useful_until_time=instant(NOW + timedelta(seconds=20)),
    )


def history(hours: int = 40, *, gaps: bool = False, constant: bool = False) -> market_view_pb2.PriceHistory:
    """Make candles up to now; gaps are hours without a candle and candles without an ask."""
    points = []
    for back in range(hours - 1, -1, -1):
        if gaps and 8 <= back <= 14:
            continue
        middle = 50 if constant else price(-back)
        point = market_view_pb2.HistoryPoint(
            end_time=instant(_CANDLE - back * HOUR), yes_bid_micros=round(middle - 1) * 10_000
        )
        if not (gaps and back % 4 == 0):
            point.yes_ask_micros = round(middle + 1) * 10_000
        points.append(point)
    return market_view_pb2.PriceHistory(step=length(HOUR), points=points, read_age=length(timedelta(seconds=9)))


def position() -> positions_pb2.Position:
    """Make seven contracts of NO, bought at 41."""
    return positions_pb2.Position(
        side=market_pb2.CONTRACT_SIDE_NO,
        count_hundredths=700,
        mean_entry_price_cents=41,
        plan=positions_pb2.ExitPlan(take_profit_price_micros=610_000, stop_loss_price_micros=380_000),
    )


def view(
    past: market_view_pb2.PriceHistory | None = None, *, forecast: bool = True, earlier: int = 8, held: bool = True
) -> market_view_pb2.MarketView:
    """Make a market."""
    found = market_view_pb2.MarketView(
        market_ticker="KXHIGHNY-26NOV23-B41.5",
        title="NY high 41-42",
        view_time=instant(NOW),
        history=history() if past is None else past,
        position=position() if held else None,
    )
    if forecast:
        found.signal.CopyFrom(signal(_CANDLE))
        found.earlier_signals.extend(signal(_CANDLE - back * 3 * HOUR, move=back - 5) for back in range(1, earlier + 1))
        found.scan_outcome = decisions_pb2.SCAN_OUTCOME_SIGNAL
    else:
        found.scan_outcome, found.scan_reason = decisions_pb2.SCAN_OUTCOME_NO_SIGNAL, "constant"
    return found


def cases() -> dict[str, market_view_pb2.MarketView]:
    """Return all of them by name."""
    one = market_view_pb2.PriceHistory(step=length(HOUR), points=history(1).points)
    nothing = market_view_pb2.MarketView(market_ticker="KXBTC-1", view_time=instant(NOW))
    return {
        "usual": view(),
        "gaps": view(history(gaps=True)),
        "no forecast": view(forecast=False, held=False),
        "one point": view(one, earlier=0, held=False),
        "constant": view(history(constant=True), forecast=False, held=False),
        "no history": view(market_view_pb2.PriceHistory(), earlier=3),
        "nothing": nothing,
    }
