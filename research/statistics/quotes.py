"""What was quoted when trades ended: the decomposition's exit mids. Pure."""

from collections.abc import Mapping

from research.rows import TradeRow
from research.statistics.decomposition import ExitQuotes, Quote
from research.types import ABSENT, CLOSE, RecordedMarket


def exit_quotes(markets: Mapping[str, RecordedMarket], stale_seconds: int) -> ExitQuotes:
    """Look quotes up in recordings: that of the last candle that had ended by the exit.

    Args:
        markets: By ticker; a row of another market has no quote.
        stale_seconds: After so long nobody knows any more, as in the walk.
    """

    def find(row: TradeRow) -> Quote | None:
        market = markets.get(row.market_ticker)
        if market is None:
            return None
        at = int(row.exit_time.timestamp())
        known = market.path.until(at)
        if not len(known.ends) or at - int(known.ends[-1]) >= stale_seconds:
            return None
        quote = Quote(int(known.bids[-1, CLOSE]), int(known.asks[-1, CLOSE]))
        return None if ABSENT in quote or quote.bid >= quote.ask else quote

    return find
