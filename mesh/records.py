"""Schemas of the files that the mesh keeps: candles, markets, trades, quotes; versioned, with units. Pure.

Money is integer micros, counts are integer hundredths, instants are microseconds in UTC: values are exact. Every field
says its unit and meaning in its metadata, and every schema its name, version and order in its own; the files repeat
them, so that a file found alone still says what it holds.

Null is "there was none", never zero: a bid that nobody made, a trade that did not happen. The version grows with every
change of columns or units.
"""

from collections.abc import Sequence

import pyarrow as pa

NAME = "foremesh.schema"
VERSION = "foremesh.schema_version"
ORDER = "foremesh.sorted_by"

_MICROS = "millionths of a dollar"
_HUNDREDTHS = "hundredths of a contract"
_UTC = "UTC, microseconds"
_TIME = pa.timestamp("us", tz="UTC")
_TEXT, _MONEY, _COUNT = pa.string(), pa.int64(), pa.int64()
_MOMENTS = {
    "open": "at the start of the period",
    "high": "highest of the period",
    "low": "lowest of the period",
    "close": "at the end of the period",
}


def _field(name: str, kind: pa.DataType, meaning: str, unit: str = "", *, required: bool = False) -> pa.Field:
    metadata = {"meaning": meaning} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, nullable=not required, metadata=metadata)


def _text(name: str, meaning: str, *, required: bool = False) -> pa.Field:
    return _field(name, _TEXT, meaning, required=required)


def _time(name: str, meaning: str, *, required: bool = False) -> pa.Field:
    return _field(name, _TIME, meaning, _UTC, required=required)


def _money(name: str, meaning: str, *, required: bool = False) -> pa.Field:
    return _field(name, _MONEY, meaning, _MICROS, required=required)


def _count(name: str, meaning: str, *, required: bool = False) -> pa.Field:
    return _field(name, _COUNT, meaning, _HUNDREDTHS, required=required)


def _schema(name: str, version: int, order: Sequence[str], *fields: pa.Field) -> pa.Schema:
    return pa.schema(fields, metadata={NAME: name, VERSION: str(version), ORDER: ",".join(order)})


_TICKERS = (
    _text("series_ticker", "Ticker of the series", required=True),
    _text("event_ticker", "Ticker of the event", required=True),
    _text("market_ticker", "Ticker of the market", required=True),
)

CANDLES = _schema(
    "foremesh.candles",
    1,
    ("market_ticker", "end_time"),
    *_TICKERS,
    _time("end_time", "Inclusive end of the period", required=True),
    _field("step_seconds", pa.int32(), "Length of the period", "seconds", required=True),
    *(
        _money(f"price_{moment}_micros", f"YES price of trades, {when}; null without a trade")
        for moment, when in _MOMENTS.items()
    ),
    _money("price_mean_micros", "YES price of trades, weighted by volume; null without a trade"),
    _money("price_previous_micros", "Last YES price before the period; null where there was none"),
    *(
        _money(f"{side}_{moment}_micros", f"Best {words}, {when}; null without one")
        for side, words in (
            ("yes_bid", "price that somebody bids for YES"),
            ("yes_ask", "price that YES is offered at"),
        )
        for moment, when in _MOMENTS.items()
    ),
    _count("volume_hundredths", "Contracts traded in the period"),
    _count("open_interest_hundredths", "Contracts in existence at its end"),
)
"""A market's quotes and trades over one period; a period in which nothing changed may have none.

A shard of traded prices alone has null in all quote columns: there it means "not known", and the file says so.
"""

MARKETS = _schema(
    "foremesh.markets",
    1,
    ("event_ticker", "market_ticker"),
    *_TICKERS,
    _text("event_title", "Title of the event"),
    _text("yes_sub_title", "What YES says, in words"),
    _text(
        "strike_type", "How the strikes read: greater, greater_or_equal, less, less_or_equal, between (both ends) ..."
    ),
    _field("floor_strike", pa.float64(), "Lower strike", "the series' own; at most 15 digits, exact"),
    _field("cap_strike", pa.float64(), "Upper strike", "the series' own; at most 15 digits, exact"),
    _text("custom_strike", "Any other strike, as JSON"),
    _time("created_time", "When the exchange entered it"),
    _time("open_time", "When trading starts"),
    _time("close_time", "When trading ends, as announced"),
    _time("expected_expiration_time", "When the result is expected"),
    _time("latest_expiration_time", "When it expires at the latest"),
    _time("settlement_time", "When it was settled; null before"),
    _field("can_close_early", pa.bool_(), "Whether trading may end before close_time"),
    _field("is_provisional", pa.bool_(), "Whether the exchange may still drop it"),
    _text("status", "The exchange's word for its state when it was listed"),
    _text("result", "yes, no or scalar, as the exchange determined; null before"),
    _text(
        "result_inferred",
        "yes or no as read off last prices, where the recording lacks the result; never mixed with it",
    ),
    _money("settlement_value_micros", "What one YES contract paid; null before"),
    _text("expiration_value", "The settling number as the exchange wrote it; null before"),
    _money("last_price_micros", "YES price of the last trade when it was listed; null without one"),
    _count("volume_hundredths", "Contracts traded until it was listed"),
    _count("open_interest_hundredths", "Contracts in existence when it was listed"),
    _field(
        "price_grid",
        pa.list_(
            pa.struct(
                [
                    pa.field("start_micros", _MONEY, nullable=False),
                    pa.field("end_micros", _MONEY, nullable=False),
                    pa.field("step_micros", _MONEY, nullable=False),
                ]
            )
        ),
        "Bands of allowed prices: from start to end on multiples of step above start",
        _MICROS,
    ),
    _time("listed_time", "When this row was read from the exchange; null in imported rows without it"),
)
"""What research needs to know of a market, as it was last listed."""

TRADES = _schema(
    "foremesh.trades",
    1,
    ("market_ticker", "created_time"),
    *_TICKERS,
    _text("trade_id", "The exchange's name of it; null in recordings that dropped it"),
    _time("created_time", "When it was made", required=True),
    _money("yes_price_micros", "What one YES contract cost; NO cost one dollar minus this", required=True),
    _count("count_hundredths", "Contracts", required=True),
    _text("taker_book_side", "Taker's side of the YES book: bid bought YES, ask bought NO; null where not recorded"),
    _field("is_block_trade", pa.bool_(), "Whether it was negotiated off the book; null where not recorded"),
)
"""Public trades."""

QUOTES = _schema(
    "foremesh.quotes",
    1,
    ("received_time",),
    *_TICKERS,
    _time("received_time", "When the recorder received it, by its own clock", required=True),
    _time("exchange_time", "When it happened, as the exchange says, to a millisecond; null where it does not"),
    _text("connection", "Names the recorder's connection; null where not recorded", required=False),
    _field("sequence", pa.int64(), "Number of the message within its subscription; null where messages have none"),
    _text(
        "kind",
        "ticker, book_snapshot (a row per level, all of one message), book_delta, or gap: from here on nothing is "
        "known of the market until its next ticker or snapshot",
        required=True,
    ),
    _text("side", "Books: bid or ask of the YES book; null in tickers and in the one row of an empty book"),
    _money("price_micros", "Books: YES price of the level"),
    _count("size_hundredths", "Snapshots: contracts at that price"),
    _count("change_hundredths", "Deltas: contracts added, negative where taken away"),
    _money("yes_bid_micros", "Tickers: best price that somebody bids for YES; null without one"),
    _count("yes_bid_size_hundredths", "Tickers: contracts at it"),
    _money("yes_ask_micros", "Tickers: best price that YES is offered at; null without one"),
    _count("yes_ask_size_hundredths", "Tickers: contracts at it"),
    _money("last_price_micros", "Tickers: YES price of the last trade; null before the first"),
    _count("volume_hundredths", "Tickers: contracts traded so far"),
    _count("open_interest_hundredths", "Tickers: contracts in existence"),
)
"""Live order books and tickers as they were received, in that order."""

SCHEMAS = {
    name_of: schema
    for schema in (CANDLES, MARKETS, TRADES, QUOTES)
    if (name_of := schema.metadata[NAME.encode()].decode())
}
"""By name."""

QUOTE_COLUMNS = tuple(name for name in CANDLES.names if name.startswith(("yes_bid_", "yes_ask_")))
"""Columns of candles that a shard of prices alone does not have."""
PRICE_COLUMNS = tuple(name for name in CANDLES.names if name not in QUOTE_COLUMNS)
"""All the others."""


def schema_name(schema: pa.Schema) -> str:
    """Return the name that a schema of this module carries, such as `foremesh.candles`."""
    return str(schema.metadata[NAME.encode()].decode())


def schema_version(schema: pa.Schema) -> int:
    """Return its version."""
    return int(schema.metadata[VERSION.encode()])


def schema_order(schema: pa.Schema) -> tuple[str, ...]:
    """Return the columns that its rows are sorted by, ascending."""
    return tuple(schema.metadata[ORDER.encode()].decode().split(","))
