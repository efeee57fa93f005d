"""Price-time priority: who meets whom, and what each side pays. Pure."""

from copy import copy
from typing import NamedTuple

from mesh.kalshi.fees import Charge, charge
from mesh.kalshi.terms import BookSide, OrderStatus, SelfTradePrevention, UpdateReason
from mesh.types import CONTRACT, Hundredths, Micros
from sim_exchange.domain.book import BID, OPPOSITE, Lot, Resting
from sim_exchange.domain.events import BookChanged, Filled, PositionChanged, Traded
from sim_exchange.domain.floor import Floor
from sim_exchange.domain.groups import Groups
from sim_exchange.domain.ledger import Desk, Draft, Trader, unit
from sim_exchange.domain.results import Filling
from sim_exchange.domain.types import FREE, NOTHING, Fill, Order, Trade
from sim_exchange.domain.venue import Venue


class Outcome(NamedTuple):
    """What came of an arriving order."""

    filling: Filling
    stopped: UpdateReason | None
    """Why its rest must not stay, if it must not."""


class _Leg(NamedTuple):
    """One side of a trade, worked out and not yet booked."""

    trader: Trader
    desk: Desk
    order: Order | None
    """None for liquidity of the house."""
    side: BookSide
    charge: Charge
    draft: Draft

    @property
    def covered(self) -> bool:
        """Whether the account can pay it; the house always can."""
        return self.trader.house or self.draft.covered


_FREE_OF_CHARGE = Charge(FREE, FREE, FREE, FREE, FREE)


def average(count: int, value: int, fees: int) -> Filling:
    """Sum up fills: `value` is the sum of price times count in micros and hundredths, `fees` micros."""
    if not count:
        return Filling()
    price = (value + 50 * count) // (100 * count) * 100
    return Filling(Hundredths(count), Micros(price), Micros((2 * CONTRACT * fees + count) // (2 * count)))


class Matching:
    """Lets arriving orders meet what rests."""

    def __init__(self, floor: Floor, groups: Groups) -> None:
        self._floor = floor
        self._groups = groups

    def fillable(self, venue: Venue, trader: Trader, side: BookSide, price: int, count: int) -> bool:
        """Tell whether fill-or-kill finds enough that rests."""
        own_counts = self._floor.quirks.fill_or_kill_counts_own_orders
        opposite = venue.book.side(OPPOSITE[side])
        for resting in opposite:
            if count <= 0 or (resting.price > price if side is BID else resting.price < price):
                break
            if own_counts or self._owner(resting) is not trader:
                count -= resting.remaining_count
        return count <= 0

    def would_cross(self, venue: Venue, trader: Trader, side: BookSide, price: int) -> bool:
        """Tell whether a post-only order would meet something."""
        opposite = venue.book.side(OPPOSITE[side])
        if not opposite.reaches(price) or self._floor.quirks.post_only_sees_own_orders:
            return opposite.reaches(price)
        for resting in opposite:
            if resting.price > price if side is BID else resting.price < price:
                break
            if self._owner(resting) is not trader:
                return True
        return False

    def run(self, venue: Venue, trader: Trader, taker: Resting, prevention: SelfTradePrevention) -> Outcome:
        """Let an arriving order meet what rests on the other side, until its limit or its end."""
        opposite = venue.book.side(OPPOSITE[taker.side])
        count = value = fees = 0
        stopped: UpdateReason | None = None
        while taker.remaining_count and stopped is None and opposite.reaches(taker.price):
            maker = opposite.first()
            owner = self._owner(maker)
            if owner is trader:
                if prevention is SelfTradePrevention.MAKER and isinstance(maker, Order):
                    self._floor.end(maker, UpdateReason.SELF_TRADE_CANCEL)
                else:
                    stopped = UpdateReason.SELF_TRADE_CANCEL
                continue
            filled = Hundredths(min(taker.remaining_count, maker.remaining_count))
            gives = self._leg(venue, owner, maker, maker.price, filled, rests=True)
            if not gives.covered and isinstance(maker, Order):
                self._floor.end(maker, UpdateReason.MARGIN_CANCEL)
                continue
            takes = self._leg(venue, trader, taker, maker.price, filled, rests=False)
            if not takes.covered:
                stopped = UpdateReason.MARGIN_CANCEL
                continue
            self._trade(venue, maker, filled, gives, takes)
            count += filled
            value += filled * maker.price
            fees += takes.charge.net
            if isinstance(taker, Order):
                taker.remaining_count = Hundredths(taker.remaining_count - filled)
                if self._groups.matched(taker, filled):
                    stopped = UpdateReason.DECREASE
            else:
                taker.remaining_count = Hundredths(taker.remaining_count - filled)
            if isinstance(maker, Order):
                self._groups.matched(maker, filled)
        return Outcome(average(count, value, fees), stopped)

    def hit(self, venue: Venue, side: BookSide, order: Order, count: Hundredths) -> Hundredths:
        """Let somebody of the house take from one member's resting order, whatever its place; tell how much."""
        owner = self._owner(order)
        filled = Hundredths(min(count, order.remaining_count))
        gives = self._leg(venue, owner, order, order.price, filled, rests=True)
        if not gives.covered:
            self._floor.end(order, UpdateReason.MARGIN_CANCEL)
            return NOTHING
        taker = Lot(side, order.price, filled, 0)
        takes = self._leg(venue, self._floor.takers[side], taker, order.price, filled, rests=False)
        self._trade(venue, order, filled, gives, takes)
        self._groups.matched(order, filled)
        return filled

    def among_house(self, venue: Venue, side: BookSide, price: Micros, count: Hundredths) -> None:
        """Let the house trade with itself, whatever rests."""
        floor = self._floor
        maker, taker = Lot(OPPOSITE[side], price, count, 0), Lot(side, price, count, 0)
        gives = self._leg(venue, floor.maker, maker, price, count, rests=False)
        takes = self._leg(venue, floor.takers[side], taker, price, count, rests=False)
        trade = self._tell(venue, price, count, gives, takes)
        self._book(trade, gives, is_taker=False)
        self._book(trade, takes, is_taker=True)

    def _owner(self, resting: Resting) -> Trader:
        return self._floor.ledger.trader(resting.account_id) if isinstance(resting, Order) else self._floor.maker

    def _leg(
        self, venue: Venue, trader: Trader, resting: Resting, price: int, count: Hundredths, *, rests: bool
    ) -> _Leg:
        desk = self._floor.desk(trader, venue)
        order = resting if isinstance(resting, Order) else None
        costs = _FREE_OF_CHARGE
        if not trader.house and order is not None:
            quirks = self._floor.quirks
            costs = charge(
                venue.terms,
                price=price,
                count=count,
                buys_yes=resting.side is BID,
                maker=rests,
                carried=order.rounding_micros,
                precision=trader.account.balance_precision,
                at=self._floor.now,
                rebate_in_whole_steps=quirks.rebate_in_whole_steps,
                round_free_maker_fills=quirks.rounding_fee_on_free_maker_fills,
            )
        draft = desk.draft(resting.side, price, count, costs.net, order if rests else None)
        return _Leg(trader, desk, order, resting.side, costs, draft)

    def _trade(self, venue: Venue, maker: Resting, count: Hundredths, gives: _Leg, takes: _Leg) -> None:
        floor = self._floor
        trade = self._tell(venue, Micros(maker.price), count, gives, takes)
        if isinstance(maker, Order):
            gives.desk.less(maker, count)
        venue.book.side(maker.side).take(maker, count)
        if isinstance(maker, Lot):
            floor.lot_less(venue, maker, count)
            if not takes.trader.house:
                taken = venue.taken[maker.side]
                taken[maker.price] = Hundredths(taken.get(maker.price, 0) + count)
            floor.emit(BookChanged(venue.ticker, maker.side, trade.price, Hundredths(-count), floor.now))
        else:
            floor.book_changed(maker, Hundredths(-count))
            if not maker.remaining_count:
                floor.left(venue, maker)
        self._book(trade, gives, is_taker=False)
        self._book(trade, takes, is_taker=True)

    def _tell(self, venue: Venue, price: Micros, count: Hundredths, gives: _Leg, takes: _Leg) -> Trade:
        """Make a trade public, and count it into the market's figures."""
        floor = self._floor
        market = venue.market
        opened = (
            max(0, gives.draft.position)
            + max(0, takes.draft.position)
            - max(0, gives.desk.position.count)
            - max(0, takes.desk.position.count)
        )
        market.last_price = price
        market.volume = Hundredths(market.volume + count)
        market.open_interest = Hundredths(market.open_interest + opened)
        trade = Trade(
            trade_id=floor.ids.uuid(),
            ticker=venue.ticker,
            price=price,
            count=count,
            taker_side=takes.side,
            time=floor.now,
        )
        house_only = gives.trader.house and takes.trader.house
        floor.emit(Traded(trade, house_only, market.open_interest))
        return trade

    def _book(self, trade: Trade, leg: _Leg, *, is_taker: bool) -> None:
        floor = self._floor
        fee = leg.charge.net
        leg.desk.book(leg.draft, leg.side, trade, fee)
        floor.ledger.collect(fee)
        order = leg.order
        if order is None:
            return
        order.fill_count = Hundredths(order.fill_count + trade.count)
        order.rounding_micros = leg.charge.carried
        order.reason = UpdateReason.TRADE
        spent = unit(leg.side, trade.price) * trade.count // CONTRACT
        if is_taker:
            order.taker_cost = Micros(order.taker_cost + spent)
            order.taker_fees = Micros(order.taker_fees + fee)
        else:
            order.maker_cost = Micros(order.maker_cost + spent)
            order.maker_fees = Micros(order.maker_fees + fee)
            if not order.remaining_count:
                order.status = OrderStatus.EXECUTED
                del leg.trader.resting[order.order_id]
        if leg.trader.house:
            return
        fill = Fill(
            trade_id=trade.trade_id,
            account_id=order.account_id,
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            ticker=trade.ticker,
            side=leg.side,
            price=trade.price,
            count=trade.count,
            is_taker=is_taker,
            fee=fee,
            position_after=leg.desk.position.count,
            time=trade.time,
            exchange_index=order.exchange_index,
            subaccount=order.subaccount,
        )
        leg.trader.fills.append(fill)
        floor.emit(Filled(fill))
        if not is_taker:
            floor.order_changed(order)
        floor.emit(PositionChanged(copy(leg.desk.position)))
        floor.cash_changed(leg.trader, order.exchange_index)
