"""Which market an entry of the journal is about."""

from dataclasses import dataclass, field

from trader.domain.entries import (
    AnyEntry,
    Decided,
    Filled,
    OrderIntended,
    PositionClosed,
    PositionOpened,
    ShadowPlaced,
    SwitchesChanged,
)


@dataclass(slots=True)
class Markets:
    """Remembers which market each order, position and virtual order is of, as entries go by from the first on."""

    _of: dict[str, str] = field(default_factory=dict)

    def of(self, entry: AnyEntry) -> set[str]:
        """Return the tickers that an entry is about; none for what concerns the trader as a whole."""
        match entry:
            case Decided(market=market):
                return {market.ticker}
            case PositionOpened(market=market):
                self._of[entry.position_id] = market.ticker
                return {market.ticker}
            case OrderIntended(order=order):
                self._of[order.client_order_id] = order.ticker
                return {order.ticker}
            case ShadowPlaced():
                self._of[entry.decision_id] = entry.ticker
                return {entry.ticker}
            case Filled(fill=fill):
                return {fill.ticker}
            case PositionClosed(trade=trade):
                return {trade.ticker}
            case SwitchesChanged():
                return {block.market_ticker for block in entry.began if block.market_ticker is not None}
            case _:
                return self._named(entry)

    def _named(self, entry: AnyEntry) -> set[str]:
        ticker = getattr(entry, "ticker", None)
        names = (getattr(entry, name, None) for name in ("client_order_id", "position_id", "decision_id"))
        return {str(ticker)} if ticker else {self._of[name] for name in names if name in self._of}
