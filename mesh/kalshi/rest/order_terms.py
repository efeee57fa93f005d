"""What is asked for when an order is placed, amended or cancelled, checked before it is sent. Pure."""

from dataclasses import dataclass
from datetime import datetime

from mesh.kalshi.errors import InvalidOrder, InvalidPrice
from mesh.kalshi.grid import PriceGrid
from mesh.kalshi.rest.market_wire import Market
from mesh.kalshi.rest.order_wire import AmendRequest, PlaceRequest
from mesh.kalshi.sides import Quote
from mesh.kalshi.terms import BookSide, SelfTradePrevention, TimeInForce
from mesh.types import DOLLAR, Hundredths, Price, count_text


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """A limit order; an aggressive price with immediate-or-cancel is the exchange's market order."""

    ticker: str
    client_order_id: str
    """New for every order, for ever: the exchange refuses it a second time, which makes a repeated order harmless."""
    quote: Quote
    """Side of the book and YES price: `sides.to_book` makes one from what is wanted of YES or NO."""
    count: Hundredths
    time_in_force: TimeInForce
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.TAKER_AT_CROSS
    expiration_time: datetime | None = None
    """Only with good-till-canceled; whole seconds."""
    post_only: bool = False
    reduce_only: bool = False
    """Only with immediate-or-cancel."""
    cancel_order_on_pause: bool = False
    order_group_id: str | None = None
    subaccount: int | None = None
    exchange_index: int | None = None
    """None lets the exchange find the market's shard."""

    def request(self, market: Market | None = None) -> PlaceRequest:
        """Return the body, after checking what can be known without asking.

        Raises:
            InvalidPrice: The price is off the market's grid, or not between 0 and 1.
            InvalidOrder: Terms do not go together, or are unknown.
        """
        check_price(self.quote, market, self.ticker)
        if not self.client_order_id:
            raise InvalidOrder("an order needs a client order id: without one its fate could not be looked up")
        if self.count <= 0:
            raise InvalidOrder("an order needs a count above zero")
        if TimeInForce.UNKNOWN is self.time_in_force or SelfTradePrevention.UNKNOWN is self.self_trade_prevention:
            raise InvalidOrder("a word that is not known cannot be sent")
        resting = self.time_in_force is TimeInForce.GOOD_TILL_CANCELED
        if self.expiration_time is not None and not resting:
            raise InvalidOrder("only an order that may rest can expire")
        if self.reduce_only and self.time_in_force is not TimeInForce.IMMEDIATE_OR_CANCEL:
            raise InvalidOrder("reduce_only works with immediate-or-cancel only")
        if self.post_only and not resting:
            raise InvalidOrder("post_only is for orders that may rest")
        return PlaceRequest(
            ticker=self.ticker,
            side=self.quote.side,
            count=count_text(self.count),
            price=self.quote.price.dollars(),
            time_in_force=self.time_in_force,
            self_trade_prevention_type=self.self_trade_prevention,
            client_order_id=self.client_order_id,
            expiration_time=_seconds(self.expiration_time),
            post_only=self.post_only or None,
            reduce_only=self.reduce_only or None,
            cancel_order_on_pause=self.cancel_order_on_pause or None,
            subaccount=self.subaccount,
            order_group_id=self.order_group_id,
            exchange_index=self.exchange_index,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTerms:
    """New terms of a resting order. The side and the market are the order's own; the exchange checks them."""

    ticker: str
    quote: Quote
    count: Hundredths
    """Filled so far plus what shall rest. A smaller count keeps the place in the queue; more, or a new price, does
    not."""
    client_order_id: str | None = None
    updated_client_order_id: str | None = None
    expiration_time: datetime | None = None
    """None keeps what the order has."""
    never_expires: bool = False
    """Take the expiry away."""
    exchange_index: int | None = None

    def request(self, market: Market | None = None) -> AmendRequest:
        """Return the body, after checking what can be known without asking.

        Raises:
            InvalidPrice: The price is off the market's grid, or not between 0 and 1.
            InvalidOrder: Terms do not go together.
        """
        check_price(self.quote, market, self.ticker)
        if self.count <= 0:
            raise InvalidOrder("an amendment needs a count above zero; to end an order, cancel it")
        if self.never_expires and self.expiration_time is not None:
            raise InvalidOrder("an order either expires or does not")
        return AmendRequest(
            ticker=self.ticker,
            side=self.quote.side,
            price=self.quote.price.dollars(),
            count=count_text(self.count),
            client_order_id=self.client_order_id,
            updated_client_order_id=self.updated_client_order_id,
            expiration_time=0 if self.never_expires else _seconds(self.expiration_time),
            exchange_index=self.exchange_index,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRef:
    """Where an order is, so that a cancel finds it."""

    order_id: str
    market_ticker: str | None = None
    """The exchange finds the shard by this; without it, it looks on shard 0 only."""
    exchange_index: int | None = None
    subaccount: int | None = None


def check_price(quote: Quote, market: Market | None, ticker: str) -> None:
    """Check a price against a market's grid, or against what every market demands where there is no market.

    Raises:
        InvalidPrice: It cannot be ordered at.
        InvalidOrder: It is neither a bid nor an ask, or the market is another one.
    """
    if quote.side is BookSide.UNKNOWN:
        raise InvalidOrder("neither a bid nor an ask")
    if not 0 < quote.price < DOLLAR:
        raise InvalidPrice(f"{quote.price.dollars()} is not between 0 and 1")
    if market is None:
        return
    if market.ticker != ticker:
        raise InvalidOrder(f"an order for {ticker} was checked against {market.ticker}")
    try:
        grid = PriceGrid(market.price_ranges)
    except ValueError as error:
        raise InvalidPrice(f"the prices that {ticker} takes cannot be told: {error}") from None
    if not grid.valid(quote.price):
        below, above = grid.round_down(quote.price), grid.round_up(quote.price)
        near = " and ".join(price.dollars() for price in (below, above) if isinstance(price, Price))
        raise InvalidPrice(f"{quote.price.dollars()} is off the grid of {ticker}; near it are {near}")


def _seconds(instant: datetime | None) -> int | None:
    if instant is not None and instant.tzinfo is None:
        raise InvalidOrder(f"an expiry without a zone: {instant.isoformat()}")
    return None if instant is None else int(instant.timestamp())
