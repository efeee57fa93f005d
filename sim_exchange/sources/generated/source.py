"""The generated source of markets."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from mesh.types import utc
from sim_exchange.sources.base import Item, Past, SourceEvent
from sim_exchange.sources.generated import history
from sim_exchange.sources.generated.arrays import microseconds
from sim_exchange.sources.generated.calendar import find, occasions
from sim_exchange.sources.generated.config import GeneratedConfig
from sim_exchange.sources.generated.listing import event_record, series_record
from sim_exchange.sources.generated.live import Live
from sim_exchange.sources.generated.profiles import Profile, configured
from sim_exchange.sources.generated.world import Occurrence, World


class GeneratedSource:
    """Seeded markets: what has been, what is and what comes all follow from seed and configuration alone.

    Args:
        config: What is generated.
        weekly_pause: Nothing is quoted or traded on Thursdays from 03:00 to 05:00 in New York.
    """

    def __init__(self, config: GeneratedConfig, *, weekly_pause: bool = True) -> None:
        self._seed = config.seed
        self._profiles: dict[str, Profile] = {series.ticker: configured(series) for series in config.series}
        self._world = World(config.seed, pauses=weekly_pause, cached_events=config.cached_events)

    @property
    def start(self) -> datetime | None:
        """None: any instant will do."""
        return None

    def catalogue(self, now: datetime) -> Sequence[Item]:
        """Give everything listed up to and including `now`: series, then events, then markets. ValueError if naive."""
        now = utc(now)
        listed = [occurrence for profile in self._profiles.values() for occurrence in self._listed(profile, now)]
        items: list[Item] = [series_record(profile) for profile in self._profiles.values()]
        items.extend(event_record(occurrence.profile, occurrence.occasion) for occurrence in listed)
        for occurrence in listed:
            items.extend(occurrence.markets(now))
        return items

    def past(self, ticker: str, until: datetime) -> Past:
        """Give a market's history up to and including `until`.

        Raises:
            KeyError: There is no such market.
            ValueError: `until` is naive.
        """
        end = microseconds(utc(until))
        occurrence, market = self._find(ticker)
        opens, closes = microseconds(occurrence.occasion.opens), microseconds(occurrence.occasion.closes)
        if end < opens:
            return Past(ticker)
        return Past(
            ticker,
            minutes=history.candles(occurrence.stream, market, opens, closes, end),
            trades=history.trades(occurrence.stream, market, ticker, self._seed, end),
        )

    def events(self, since: datetime) -> Iterator[SourceEvent]:
        """Give what happens after `since`, in the order of time, without end. ValueError if naive."""
        return iter(Live(self._world, tuple(self._profiles.values()), utc(since)))

    def _listed(self, profile: Profile, now: datetime) -> Iterator[Occurrence]:
        back = max(profile.history, profile.times.longest)
        for occasion in occasions(profile.ticker, profile.times, now - back, now):
            # One that has closed without a result yet is listed however short the history is: its result will come.
            if occasion.closes > now - profile.history or occasion.decided > now:
                yield self._world.occurrence(profile, occasion)

    def _find(self, ticker: str) -> tuple[Occurrence, int]:
        series, _, rest = ticker.partition("-")
        profile = self._profiles[series]
        occasion = find(f"{series}-{rest.partition('-')[0]}", profile.times)
        if occasion is None:
            raise KeyError(ticker)
        occurrence = self._world.occurrence(profile, occasion)
        try:
            return occurrence, occurrence.tickers.index(ticker)
        except ValueError:
            raise KeyError(ticker) from None
