"""A market's record as the terms that decisions are made on."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.grid import Band
from mesh.kalshi.rest.market_wire import Market, PriceBand
from mesh.kalshi.rest.wire import decode
from mesh.kalshi.terms import FeeType
from mesh.types import Micros, Price
from trader.exchange.terms import NotTradable, terms, title_of

QUADRATIC = FeeTerms(FeeType.QUADRATIC, Decimal("0.5"))
RECORD = {
    "ticker": "KXHIGHNY-26JUL12-T89", "event_ticker": "KXHIGHNY-26JUL12", "market_type": "binary",
    "yes_sub_title": "90° or above", "no_sub_title": "90° or above", "created_time": "2026-07-11T09:30:30Z",
    "updated_time": "2026-07-11T14:00:00Z", "open_time": "2026-07-11T14:00:00Z", "close_time": "2026-07-13T04:59:00Z",
    "latest_expiration_time": "2026-07-19T14:00:00Z", "settlement_timer_seconds": 3600, "status": "active",
    "yes_bid_dollars": "0.0000", "yes_bid_size_fp": "0.00", "yes_ask_dollars": "0.0100", "yes_ask_size_fp": "211.00",
    "last_price_dollars": "0.0000", "volume_fp": "0.00", "volume_24h_fp": "0.00", "open_interest_fp": "0.00",
    "result": "", "can_close_early": True, "notional_value_dollars": "1.0000", "expiration_value": "",
    "rules_primary": "", "price_level_structure": "linear_cent", "exchange_index": 2,
    "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
}  # fmt: skip


def market(**changes: Any) -> Market:
    return msgspec.structs.replace(decode(msgspec.json.encode(RECORD), Market), **changes)


def test_terms_are_the_markets_with_its_events_fees() -> None:
    found = terms(market(), QUADRATIC, "High in NYC? 90° or above")
    assert (found.series_ticker, found.exchange_index, found.title) == ("KXHIGHNY", 2, "High in NYC? 90° or above")
    assert found.bands == (Band(0, 1_000_000, 10_000),)
    assert found.fees == QUADRATIC


def test_a_waiver_of_the_market_goes_with_its_fees() -> None:
    until = market().close_time - timedelta(hours=1)
    assert terms(market(fee_waiver_expiration_time=until), QUADRATIC, "").fees.waived_until == until


def test_bands_come_in_order() -> None:
    ranges = tuple(PriceBand(Price(start), Price(start + 500_000), Price(5_000)) for start in (500_000, 0))
    assert [band.start for band in terms(market(price_ranges=ranges), QUADRATIC, "").bands] == [0, 500_000]


@pytest.mark.parametrize("name", ["../../KXHIGHNY-1", "kx\x1b[2J-1", "A" * 65, "<b>-1", "KXHIGHNY 26"])
@pytest.mark.parametrize("field", ["ticker", "event_ticker"])
def test_a_market_whose_name_is_no_ticker_is_not_traded(field: str, name: str) -> None:
    with pytest.raises(NotTradable, match="not a ticker") as refused:
        terms(market(**{field: name}), QUADRATIC, "")
    assert refused.value.message.isprintable()


def test_a_title_is_one_line_of_bounded_length_without_what_a_terminal_obeys() -> None:
    found = title_of("High\x1b]0;x\x07 in\nNYC?\u202e " + "x" * 5_000_000, market())
    assert found.startswith("High ]0;x  in NYC?  xxx")
    assert found.isprintable()
    assert len(found) == 300


@pytest.mark.parametrize("fees", [FeeTerms(FeeType.UNKNOWN), FeeTerms(FeeType.FLAT)])
def test_a_market_whose_fees_nobody_can_reckon_is_not_traded(fees: FeeTerms) -> None:
    with pytest.raises(NotTradable, match="fee"):
        terms(market(), fees, "")


@pytest.mark.parametrize(
    "changes",
    [
        {"market_type": "scalar"},
        {"notional_value": Micros(2_000_000)},
        {"price_ranges": ()},
        {"price_ranges": (PriceBand(Price(0), Price(1_000_000), Price(0)),)},
    ],
)
def test_a_market_of_another_kind_is_not_traded(changes: dict[str, Any]) -> None:
    with pytest.raises(NotTradable):
        terms(market(**changes), QUADRATIC, "")


def test_a_title_says_what_yes_means() -> None:
    assert title_of("High in NYC?", market()) == "High in NYC? 90° or above"
