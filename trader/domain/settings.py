"""What the owner sets: rules, sizes, exits, protections. Data of the configuration file, used as they are. Pure.

Money is written in dollars, prices and spreads in cents, as people speak of them; properties give micros.
"""

from typing import Annotated, Self

from pydantic import Field, FiniteFloat, model_validator

from mesh.config import Strict
from mesh.types import CENT, DOLLAR, Hundredths, Micros, Price
from trader.domain.words import Confidence, EntryStyle

Cents = Annotated[FiniteFloat, Field(ge=0, le=100)]
PriceCents = Annotated[FiniteFloat, Field(gt=0, lt=100)]
Dollars = Annotated[FiniteFloat, Field(gt=0, le=1_000_000)]
Span = Annotated[FiniteFloat, Field(gt=0, le=31_536_000)]
"""Seconds."""
Share = Annotated[FiniteFloat, Field(gt=0, le=1)]
Contracts = Annotated[FiniteFloat, Field(ge=0.01, le=1_000_000)]


def micros(dollars: float) -> Micros:
    """Return dollars of the configuration as micros, to the nearest."""
    return Micros(round(dollars * DOLLAR))


def price(cents: float) -> Price:
    """Return cents of the configuration as a price, to the nearest micro."""
    return Price(round(cents * CENT))


def hundredths(contracts: float) -> Hundredths:
    """Return contracts of the configuration as hundredths, to the nearest."""
    return Hundredths(round(contracts * 100))


class RuleSettings(Strict):
    """What a signal must be for an entry. A rule named in `off` is evaluated, shown and not enforced."""

    off: tuple[str, ...] = ()
    """Names of rules that are switched off, as the rejection funnel shows them."""
    min_confidence: Confidence = Confidence.MEDIUM
    """Lowest confidence."""
    min_magnitude_cents: Cents = 5.0
    """Smallest forecast move."""
    min_price_cents: PriceCents = 20.0
    """Lowest price of the NO contract that is bought."""
    max_price_cents: PriceCents = 95.0
    """Highest price of the NO contract that is bought."""
    max_spread_cents: Cents = 10.0
    """Widest distance between bid and ask."""
    max_trades_per_series_per_scan: Annotated[int, Field(ge=1, le=1000)] = 3
    """Entries of one scan in one series, the best signals first."""
    min_edge_cents: Annotated[FiniteFloat, Field(ge=-100, le=100)] = 0.5
    """What must be left of the forecast move after spread, slippage and both fees."""
    edge_uncertainty_share: Annotated[FiniteFloat, Field(ge=0, le=10)] = 0.0
    """Part of the forecast's own uncertainty that the edge must clear as well."""
    min_seconds_to_close: Span = 900.0
    """Trading must go on for at least this long."""
    pause_margin_seconds: Span = 600.0
    """No entry with a stop this shortly before a scheduled pause of the exchange: the stop could not work."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_price_cents >= self.max_price_cents:
            raise ValueError("min_price_cents must be below max_price_cents")
        return self


class EntrySettings(Strict):
    """How entries are placed."""

    style: EntryStyle = EntryStyle.TAKE
    """`take`: a limit at the ask plus slippage; `rest`: post-only at or inside the bid, never chasing."""
    slippage_share: Annotated[FiniteFloat, Field(ge=0, le=1)] = 0.20
    """Part of the forecast move, in whole cents, that may be paid above the ask."""
    max_slippage_cents: Annotated[int, Field(ge=0, le=20)] = 3
    """Most of it."""
    expire_seconds: Annotated[FiniteFloat, Field(ge=2, le=86_400)] = 15.0
    """After this an unfilled entry is ended, by the exchange and, as a second guard, by a cancel."""
    improve_ticks: Annotated[int, Field(ge=0, le=10)] = 0
    """With `rest`: steps inside the bid."""
    shadow: bool = True
    """Beside every taken entry, keep a virtual resting one, so that reports can say what patience would have earned."""
    shadow_seconds: Span = 3600.0
    """How long the virtual order waits."""


class SizeSettings(Strict):
    """How much is bought."""

    dollars_per_trade: Dollars = 3.0
    """Most that one entry may cost, fees included."""
    max_contracts_per_market: Contracts = 100.0
    """Most contracts of one market, held and ordered together."""
    whole_contracts: bool = True
    """Buy whole contracts only; otherwise hundredths."""
    max_series_dollars: Dollars = 30.0
    """Most at risk in one series: what open positions cost, and open entries may."""
    max_event_dollars: Dollars = 15.0
    """Most at risk in one event."""
    max_total_dollars: Dollars = 100.0
    """Most at risk in all."""
    max_settlement_dollars: Dollars = 45.0
    """Most at risk in markets of one underlying that settle within the same hour: they win and lose together."""
    underlyings: dict[str, str] = Field(default_factory=dict)
    """Underlying of a series, where it is not the series itself: `KXBTCD = "BTC"`, `KXBTC = "BTC"`."""
    pause_share: Share = 0.5
    """Part of the usual size where the exchange is to pause before the forecast's horizon: stops cannot work then."""
    min_cash_dollars: Annotated[FiniteFloat, Field(ge=0, le=1_000_000)] = 0.0
    """Cash that is left alone."""


class ExitSettings(Strict):
    """How positions are guarded."""

    check_seconds: Annotated[FiniteFloat, Field(ge=0.1, le=60)] = 5.0
    """Every position is looked at so often; a fresh quote is looked at when it comes."""
    grace_seconds: Annotated[FiniteFloat, Field(ge=0, le=3600)] = 10.0
    """No stop fires so shortly after the entry."""
    stop_checks: Annotated[int, Field(ge=1, le=100)] = 2
    """Consecutive checks, `check_seconds` apart, that must find the bid at or below the stop, each on a new price."""
    take_profit: bool = True
    """Sell at the policy's target."""
    stop_loss: bool = True
    """Sell at the policy's stop."""
    hold_to_settlement: tuple[str, ...] = ()
    """Series whose positions are held: neither target nor stop."""
    rest_take_profit: bool = False
    """Let the target rest on the book as a post-only order, so that it works while this process does not."""
    trailing_from_cents: Cents | None = None
    """Gain from which on a trailing stop works; absent for none."""
    trailing_distance_cents: PriceCents | None = None
    """How far below its peak the bid may fall then."""
    time_stop_seconds: Span | None = None
    """Longest time that a position is held; absent for none."""
    floor_cents: PriceCents = 1.0
    """Lowest price at which an exit sells. Below it a position waits for settlement."""
    retry_seconds: Annotated[FiniteFloat, Field(ge=0.1, le=60)] = 2.0
    """Wait between two tries to sell; longer, up to half a minute, while tries get nothing from the very same bid."""

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.trailing_from_cents is None) != (self.trailing_distance_cents is None):
            raise ValueError("trailing_from_cents and trailing_distance_cents belong together")
        return self


class ProtectionSettings(Strict):
    """What stops entries when things go wrong. Exits always go on."""

    max_daily_loss_dollars: Dollars = 10.0
    """Net loss since midnight UTC, open positions at their bids included, from which on entries stop until midnight.
    Positions that the known bids do not take in full count as unchanged: what they are worth is not known. What a stop
    could not sell for want of bids counts as lost."""
    max_drawdown_dollars: Dollars = 25.0
    """Fall of the net result from its peak, from which on entries stop until a person resumes."""
    cooldown_seconds: Annotated[FiniteFloat, Field(ge=0, le=86_400)] = 1800.0
    """No entry in a market so long after a stop sold there; 0 for none."""
    stop_guard_count: Annotated[int, Field(ge=1, le=1000)] = 4
    """So many stops in a series..."""
    stop_guard_seconds: Span = 7200.0
    """...within this time block the series for as long."""
    max_forecast_age_seconds: Span = 300.0
    """A signal older than this is not acted on."""
    max_book_age_seconds: Span = 10.0
    """A book older than this is not bought on."""
    max_exit_silence_seconds: Span = 30.0
    """If the exit loop has not looked at every position for so long, entries stop and the owner is told."""
    calibration_trades: Annotated[int, Field(ge=5, le=10_000)] = 40
    """Latest closed trades over which forecasts are held against outcomes..."""
    calibration_min_share: Annotated[FiniteFloat, Field(ge=0, le=1)] = 0.5
    """...of which this share of those must have moved the forecast way that would have at fair prices without any
    forecast, by how far target and stop lie; less stops entries until a person resumes."""
    max_unknown_orders: Annotated[int, Field(ge=1, le=1000)] = 3
    """So many orders of unknown outcome at once block entries everywhere."""


class Settings(Strict):
    """All of them."""

    rules: RuleSettings = RuleSettings()
    entries: EntrySettings = EntrySettings()
    sizes: SizeSettings = SizeSettings()
    exits: ExitSettings = ExitSettings()
    protections: ProtectionSettings = ProtectionSettings()
