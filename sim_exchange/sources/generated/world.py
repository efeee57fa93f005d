"""All events of one seed: what they are about, and what happens in them. Pure.

Everything is made when first asked for and forgotten again when other events are asked for; it comes back the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache

from mesh.kalshi.terms import MarketStatus, Result
from mesh.types import DOLLAR, Micros
from sim_exchange.domain.types import Market
from sim_exchange.sources.generated import daytime, history
from sim_exchange.sources.generated.arrays import microseconds
from sim_exchange.sources.generated.calendar import Occasion
from sim_exchange.sources.generated.listing import market_record
from sim_exchange.sources.generated.profiles import Profile, Subject
from sim_exchange.sources.generated.spot import Spot
from sim_exchange.sources.generated.stream import Stream, stream
from sim_exchange.sources.generated.strikes import Strikes, strikes
from sim_exchange.sources.generated.underlying import Underlying
from sim_exchange.sources.generated.walk import Tempo, Walk
from sim_exchange.sources.generated.weather import WeatherDay

_TEMPOS = {
    Subject.INDEX: (daytime.market_hours, daytime.workdays),
    Subject.CRYPTO: (daytime.round_the_clock, daytime.every_day),
}
_AVERAGED_SECONDS = {Subject.INDEX: 1, Subject.CRYPTO: 60}


@dataclass(frozen=True)
class Occurrence:
    """One event and all that follows from its name."""

    seed: int
    profile: Profile
    occasion: Occasion
    underlying: Underlying
    pauses: bool

    @cached_property
    def strikes(self) -> Strikes:
        """The event's questions, laid when it was listed."""
        return strikes(self.profile, self.underlying.expectation(microseconds(self.occasion.created)))

    @cached_property
    def tickers(self) -> tuple[str, ...]:
        """Of its markets, from the lowest strike up."""
        return tuple(f"{self.occasion.event_ticker}-{strike.suffix}" for strike in self.strikes.strikes)

    @cached_property
    def stream(self) -> Stream:
        """What happens in its markets."""
        return stream(self.seed, self.profile, self.occasion, self.strikes, self.underlying, pauses=self.pauses)

    @cached_property
    def results(self) -> tuple[Result, ...]:
        """How its markets end; exactly one with yes."""
        return tuple(
            Result.YES if strike.holds(self.underlying.value) else Result.NO for strike in self.strikes.strikes
        )

    def markets(self, now: datetime) -> list[Market]:
        """Give the records of its markets as they are at `now`."""
        return [self._market(place, now) for place in range(len(self.tickers))]

    def _market(self, place: int, now: datetime) -> Market:
        occasion = self.occasion
        market = market_record(self.seed, self.profile, occasion, self.strikes.strikes[place])
        if now < occasion.opens:
            return market
        market.status, market.updated_time = MarketStatus.ACTIVE, occasion.opens
        market.volume, market.open_interest, market.last_price = history.figures(self.stream, place, microseconds(now))
        if now >= occasion.closes:
            market.status, market.updated_time = MarketStatus.CLOSED, occasion.closes
        if now >= occasion.decided:
            market.status, market.updated_time = MarketStatus.DETERMINED, occasion.decided
            market.determination_time = occasion.decided
            market.result = self.results[place]
            market.settlement_value = payout(market.result)
            market.expiration_value = self.underlying.value_text
        settled = occasion.decided + timedelta(seconds=self.profile.timer_seconds)
        if now >= settled:
            market.status, market.updated_time, market.settlement_time = MarketStatus.FINALIZED, settled, settled
        return market


def payout(result: Result) -> Micros:
    """Give what one YES contract pays."""
    return DOLLAR if result is Result.YES else Micros(0)


class World:
    """The events of one seed."""

    def __init__(self, seed: int, *, pauses: bool, cached_events: int) -> None:
        self._seed, self._pauses = seed, pauses
        self._walk = lru_cache(maxsize=None)(self._make_walk)
        self._occurrence = lru_cache(maxsize=cached_events)(self._make_occurrence)

    def occurrence(self, profile: Profile, occasion: Occasion) -> Occurrence:
        """Give an event and all that follows from it."""
        return self._occurrence(profile, occasion)

    def _make_occurrence(self, profile: Profile, occasion: Occasion) -> Occurrence:
        return Occurrence(self._seed, profile, occasion, self._underlying(profile, occasion), self._pauses)

    def _underlying(self, profile: Profile, occasion: Occasion) -> Underlying:
        if profile.climate is not None:
            starts = microseconds(occasion.created)
            return WeatherDay(self._seed, profile.ticker, profile.climate, occasion.day, starts)
        return Spot(self._walk(profile), microseconds(occasion.closes), _AVERAGED_SECONDS[profile.subject])

    def _make_walk(self, profile: Profile) -> Walk:
        weight, quiet = _TEMPOS[profile.subject]
        return Walk(self._seed, profile.ticker, profile.level, Tempo(profile.daily_volatility, weight, quiet))
