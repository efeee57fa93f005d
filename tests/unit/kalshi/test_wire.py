import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.kalshi.rest.order_wire import DecreaseRequest, PlaceRequest
from mesh.kalshi.rest.wire import (
    Cents,
    Count,
    Id,
    Instant,
    Milliseconds,
    Money,
    NetCount,
    Number,
    Record,
    Seconds,
    decode,
)
from mesh.kalshi.terms import BookSide, SelfTradePrevention
from mesh.types import Hundredths, Micros, Price, count_text, dollars


class Everything(Record, frozen=True, kw_only=True):
    price: Price | None = None
    money: Money | None = None
    count: Count | None = None
    net: NetCount | None = None
    cents: Cents | None = None
    number: Number | None = None
    instant: Instant | None = None
    seconds: Seconds | None = None
    milliseconds: Milliseconds | None = None
    side: BookSide | None = None
    name: Id | None = None


class Needed(Record, frozen=True):
    price: Price = msgspec.field(name="yes_bid_dollars")


def read(**fields: object) -> Everything:
    return decode(json.dumps(fields).encode(), Everything)


@given(st.integers(0, 1_000_000))
def test_every_price_is_read_exactly(micros: int) -> None:
    assert read(price=Price(micros).dollars()).price == micros


@given(st.integers(-(10**17), 10**17))
def test_every_amount_of_money_is_read_exactly(micros: int) -> None:
    assert read(money=dollars(Micros(micros))).money == micros


@given(st.integers(-(10**13), 10**13))
def test_every_count_is_read_exactly(hundredths: int) -> None:
    assert read(net=count_text(Hundredths(hundredths))).net == hundredths
    if hundredths >= 0:
        assert read(count=count_text(Hundredths(hundredths))).count == hundredths


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4, allow_nan=False))
def test_json_numbers_never_pass_through_binary_floats(number: Decimal) -> None:
    assert decode(b'{"number":%b}' % format(number, "f").encode(), Everything).number == number


def test_what_is_read_has_the_projects_types() -> None:
    read_ = read(
        price="0.4700", money="-1.234567", count="12.50", net="-0.01", cents=-150, number=71799.99,
        instant="2026-07-10T05:00:00.78541Z", seconds=1_783_674_000, milliseconds=1_781_159_364_112, side="ask",
    )  # fmt: skip

    assert isinstance(read_.price, Price)
    assert (read_.price, read_.money, read_.count, read_.net, read_.cents) == (
        470_000,
        -1_234_567,
        1250,
        -1,
        -1_500_000,
    )
    assert read_.number == Decimal("71799.99")
    assert read_.instant == datetime(2026, 7, 10, 5, 0, 0, 785410, tzinfo=UTC)
    assert read_.side is BookSide.ASK


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price", 0.47),
        ("price", 47),
        ("price", "1.0001"),
        ("price", "-0.0100"),
        ("price", ""),
        ("price", "NaN"),
        ("price", "Infinity"),
        ("price", "1e-2"),
        ("price", " 0.4700"),
        ("price", "0.47\n"),
        ("price", "0_1.0"),
        ("price", "٠.٤٧"),
        ("price", ".47"),
        ("price", "0.4700001"),
        ("price", "$0.47"),
        ("price", ["0.47"]),
        ("price", {"dollars": "0.47"}),
        ("price", True),
        ("money", 1.5),
        ("money", "9" * 40),
        ("money", "NaN"),
        ("count", 12),
        ("count", "-1.00"),
        ("count", "1.005"),
        ("count", "9" * 40),
        ("net", "1.005"),
        ("cents", "150"),
        ("cents", 1.5),
        ("cents", True),
        ("cents", 10**20),
        ("number", "71799.99"),
        ("number", "NaN"),
        ("number", True),
        ("number", 1e300),
        ("instant", "2026-07-10T05:00:00"),
        ("instant", 1_783_674_000),
        ("instant", "tomorrow"),
        ("seconds", "1783674000"),
        ("seconds", -1),
        ("seconds", 1_783_674_000_000),
        ("seconds", 10**30),
        ("milliseconds", 1.5),
        ("milliseconds", 10**30),
        ("side", 1),
        ("name", ""),
        ("name", "x" * 257),
    ],
)
def test_anything_else_is_an_error_that_names_the_field(field: str, value: object) -> None:
    with pytest.raises(msgspec.DecodeError, match=rf"\$\.{field}"):
        read(**{field: value})


@pytest.mark.parametrize("body", [b"{}", b'{"yes_bid": "0.4700"}', b'{"yes_bid_dollars": null}'])
def test_a_missing_price_is_an_error_that_names_it(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError, match="yes_bid_dollars"):
        decode(body, Needed)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"<html>", b"\xff\xfe", b'{"number": NaN}', b'{"yes_bid_dollars":"0.47"} x',
     b'{"skipped":' + b"[" * 100_000, b'{"instant":"' + b"9" * 100_000 + b'"}'],
)  # fmt: skip
def test_what_is_not_the_json_object_that_was_asked_for_is_an_error(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(body, Needed if b"instant" not in body else Everything)


@given(st.binary(max_size=200))
def test_junk_never_raises_anything_else(body: bytes) -> None:
    with suppress(msgspec.DecodeError):
        decode(b'{"yes_bid_dollars":' + body, Needed)


def test_unknown_keys_are_skipped_and_unknown_words_are_known_as_such() -> None:
    read_ = decode(b'{"yes_bid_dollars":"0.4700","new_in_2027":{"a":[1.5,null]}}', Needed)

    assert read_.price == Price(470_000)
    assert read(side="straddle").side is BookSide.UNKNOWN


def test_what_may_be_absent_reads_as_none() -> None:
    assert read() == Everything()
    assert read(price=None).price is None


def test_bodies_leave_out_what_was_not_said() -> None:
    order = PlaceRequest(
        ticker="KXHIGHNY-26JUL12-T89",
        side=BookSide.BID,
        count="1.00",
        price="0.0100",
        time_in_force="good_till_canceled",
        self_trade_prevention_type=SelfTradePrevention.TAKER_AT_CROSS,
        client_order_id="4a75a66e-ca85-4187-93cd-aac5e01ad982",
        post_only=False,
    )

    assert json.loads(msgspec.json.encode(order)) == {
        "ticker": "KXHIGHNY-26JUL12-T89",
        "side": "bid",
        "count": "1.00",
        "price": "0.0100",
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        "client_order_id": "4a75a66e-ca85-4187-93cd-aac5e01ad982",
        "post_only": False,
    }
    assert msgspec.json.encode(DecreaseRequest(reduce_to="0.00")) == b'{"reduce_to":"0.00"}'
