"""Entries as bytes and back."""

import json
import math
from dataclasses import replace
from decimal import Decimal
from typing import get_args

import msgspec
import pytest
from hypothesis import given

from console.journal_words import words
from mesh.types import Hundredths, Price, Side
from tests.fakes.trading import NOON, Desk, market
from tests.unit.trader.journal.any_entry import ENTRIES
from trader.domain.entries import AnyEntry, OrderSent, PeakMoved, PositionOpened, ScanFinished, Stopped
from trader.domain.facts import ExitPlan
from trader.journal.codec import KINDS, decode, encode, kind_of
from trader.journal.errors import DAMAGED, REFUSED, JournalError


@given(entry=ENTRIES)
def test_every_entry_is_read_back_as_it_was_written_and_can_be_said_in_words(entry: AnyEntry) -> None:
    body = encode(entry)

    assert decode(body, 1) == entry
    assert encode(decode(body, 1)) == body
    assert json.loads(body)["kind"] == kind_of(entry)
    assert words(entry)


def test_prices_stay_prices_and_the_fees_of_a_market_do_not_take_their_cache_along() -> None:
    terms = market()
    assert terms.fees.rates.taker == 7  # remembered in the object from here on
    fees = replace(terms.fees, multiplier=Decimal("0.35"), waived_until=NOON)
    plan = ExitPlan(take_profit=Price(700_000))
    entry = PositionOpened(
        position_id="p",
        market=msgspec.structs.replace(terms, fees=fees),
        side=Side.NO,
        decision_id=None,
        ask=Price(560_000),
        plan=plan,
    )

    found = decode(encode(entry), 1)

    assert found == entry
    assert isinstance(found, PositionOpened)
    assert type(found.ask) is Price
    assert type(found.plan.take_profit) is Price
    assert found.market.fees.multiplier == Decimal("0.35")
    assert "rates" not in json.loads(encode(msgspec.structs.replace(entry, market=terms)))["market"]["fees"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"kind":"order_teleported","client_order_id":"c"}', "order_teleported"),
        (b'{"kind":"order_sent","client_order_id":"c","colour":"red"}', "colour"),
        (b'{"kind":"order_sent"}', "client_order_id"),
        (b'{"kind":"order_sent","client_order_id":7}', "client_order_id"),
        (b'{"kind":"cash","cash":"7"}', "cash"),
        (b'{"kind":"peak_moved","position_id":"p","bid":1000001}', "price"),
        (b'{"kind":"peak_moved","position_id":"p","bid":true}', "Price"),
        (b'{"kind":"cash","cash":7', "truncated"),
        (b"", "truncated"),
        (b"\xff", "malformed"),
        (b"[" * 100_000, "array"),
    ],
)
def test_what_this_version_does_not_know_is_refused_with_its_sequence(body: bytes, words: str) -> None:
    with pytest.raises(JournalError) as caught:
        decode(body, 17)
    assert caught.value.reason == DAMAGED
    assert caught.value.sequence == 17
    assert caught.value.metadata == {"sequence": "17"}
    assert "entry 17" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "entry",
    [
        ScanFinished(scan_id="s", market_count=0, counts={}, others=(), entered=0, seconds=math.nan),
        ScanFinished(scan_id="s", market_count=0, counts={}, others=(), entered=0, seconds=math.inf),
        OrderSent(client_order_id="\ud800"),
        Stopped(run_id=b"bytes"),  # type: ignore[arg-type]  # what no annotation stops at run time
        PeakMoved(position_id="p", bid=Hundredths(7).__truediv__(2)),  # type: ignore[arg-type]  # as above
        OrderSent(client_order_id=None),  # type: ignore[arg-type]  # as above
    ],
)
def test_an_entry_that_could_not_be_read_back_is_not_written(entry: AnyEntry) -> None:
    with pytest.raises(JournalError) as caught:
        encode(entry)
    assert caught.value.reason == REFUSED
    assert kind_of(entry) in str(caught.value)


def test_every_kind_of_entry_has_its_own_word() -> None:
    assert len(KINDS) == len(get_args(AnyEntry))


def test_what_the_trader_decides_can_be_written() -> None:
    written = Desk().written

    assert written
    assert [decode(encode(entry), 1) for _, entry in written] == [entry for _, entry in written]
