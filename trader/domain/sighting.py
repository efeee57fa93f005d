"""What is seen of the moment when an entry is decided on, in so few words that it can be written down. Pure."""

from mesh.kalshi.sides import Action, Intent
from mesh.types import Hundredths, Micros, Price, Side
from trader.domain import edge, plans, sizing
from trader.domain.events import Moment, SignalCame
from trader.domain.facts import MarketTerms, Sight
from trader.domain.state import NO_MONEY, State
from trader.domain.views import Snapshot


def sight_of(state: State, came: SignalCame, limit: Price | None, moment: Moment) -> Sight:
    """Look at everything that a decision about a signal rests on, beside what the journal holds anyway.

    Args:
        state: Everything known.
        came: The signal; it has been seen.
        limit: Worst price that would be paid; None without one.
        moment: Now.
    """
    watch, market, signal = state.watch, came.market, came.signal
    cash, covered = _stated(state, market)
    # The first one speaks for those behind it, whatever time is looked at up to this one.
    pause = plans.pause_before(watch.pauses, moment.now, max(market.close_time, edge.horizon_end(signal)))
    seen = watch.books.get(market.ticker)
    reach = None if limit is None else Intent(Action.BUY, signal.side, limit)
    return Sight(
        exchange=watch.exchange,
        halted=market.ticker in watch.halted,
        pauses=() if pause is None else (pause,),
        stopping=watch.stopping,
        signal_age=0.0 if watch.scan_began is None else moment.seconds - watch.scan_began,
        exit_silence=None if watch.exit_pass is None else moment.seconds - watch.exit_pass,
        cash=cash,
        covered=covered,
        other_side=_other_side(state, market.ticker, signal.side),
        offers=() if seen is None or reach is None else seen.book.within(reach),
    )


def _other_side(state: State, ticker: str, side: Side) -> Hundredths:
    snapshot, sign = state.watch.snapshot, -1 if side is Side.YES else 1
    held = () if snapshot is None else snapshot.positions
    return Hundredths(sum(max(0, view.net * sign) for view in held if view.ticker == ticker))


def _stated(state: State, market: MarketTerms) -> tuple[Micros | None, tuple[str, ...]]:
    """Return what the exchange said last to be available for a market, and the entries that are off it already.

    Where cash lies on shards, only that of the market's shard pays for it.
    """
    snapshot = state.watch.snapshot
    cash = None if snapshot is None else _available(snapshot, market)
    if snapshot is None or cash is None:
        return None, ()
    names = [order.terms.client_order_id for order in sizing.entries_on_their_way(state.books)]
    locked = {order.client_order_id for order in snapshot.orders} if names else set()
    return cash, tuple(name for name in names if name in locked)


def _available(snapshot: Snapshot, market: MarketTerms) -> Micros | None:
    if snapshot.shards and market.exchange_index is not None:
        return dict(snapshot.shards).get(market.exchange_index, NO_MONEY)
    return snapshot.available
