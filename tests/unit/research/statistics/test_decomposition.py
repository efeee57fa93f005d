import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.types import CENT, DOLLAR, Hundredths, Micros
from research.rows import TradeRow
from research.statistics.decomposition import Decomposition, Part, Quote, decompose
from tests.fakes.trade_rows import row, traded
from trader.domain.words import ExitKind

micros = st.integers(0, int(DOLLAR)).map(Micros)


def nets(found: Decomposition) -> dict[Part, int]:
    return {part: int(piece.net) for part, piece in found.pieces.items()}


def bought(
    quote: tuple[int, int], paid: int, *, market: int, sold: int | None = None, yes: int = 0, contracts: int = 1
) -> TradeRow:
    """Return a trade at quoted YES bid and ask, with prices in cents; held where nothing is said of a sale."""
    proceeds = (100 - yes if sold is None else sold) * CENT * contracts
    fees = 15_000 * contracts, 0 if sold is None else 10_000 * contracts
    net = proceeds - paid * CENT * contracts - sum(fees)
    return row(
        price_cents=paid,
        market=market,
        contracts=contracts,
        fees=fees,
        yes_bid_micros=Micros(quote[0] * CENT),
        yes_ask_micros=Micros(quote[1] * CENT),
        exit_kind=(ExitKind.SETTLEMENT if sold is None else ExitKind.STOP_LOSS).value,
        exit_proceeds_micros=Micros(proceeds),
        pnl_micros=Micros(net),
        yes_value_micros=Micros(yes * CENT),
    )


def test_a_trade_worked_out_by_hand() -> None:
    # Always-NO made 100-60 and 100-70 in market 1, 0-50 in market 2: 20/3 on average, 35 on average in market 1.
    arm = [
        bought((38, 42), 62, market=1),
        bought((28, 32), 72, market=1),
        bought((48, 52), 52, market=2, yes=100),
    ]
    # Two contracts at 62 where the mid is 60, sold at 66 where the mid is 68; NO was worth 100 in the end.
    trade = bought((38, 42), 62, market=1, sold=66, contracts=2)
    found = decompose([trade], arm, lambda _: Quote(30 * CENT, 34 * CENT))
    assert nets(found) == {
        Part.PREMIUM: 133_333,
        Part.SELECTION: 700_000 - 133_333,
        Part.TIMING: 2 * (100 - 60) * CENT - 700_000,
        Part.EXIT_RULE: 2 * (68 - 100) * CENT,
        Part.SPREAD: -2 * (2 + 2) * CENT,
        Part.FEES: -50_000,
    }
    assert found.net == trade.pnl_micros == sum(nets(found).values())
    assert found.not_identified == []


def test_what_is_held_to_the_end_has_no_exit_rule_and_pays_half_a_spread() -> None:
    trade = bought((38, 42), 62, market=1, yes=100)
    found = nets(decompose([trade]))
    assert found == {Part.ENTRY: -600_000, Part.EXIT_RULE: 0, Part.SPREAD: -20_000, Part.FEES: -15_000}


def test_a_rest_below_the_mid_earns_the_spread() -> None:
    assert nets(decompose([bought((38, 42), 58, market=1)]))[Part.SPREAD] == 20_000


def test_what_is_not_known_is_one_part_and_said() -> None:
    known = bought((38, 42), 62, market=1, sold=66)
    strange = bought((38, 42), 62, market=7)
    blind = replace(known, entry_mid_micros=None)
    open_end = replace(known, yes_value_micros=None)
    found = decompose([known, strange, blind, open_end], [bought((38, 42), 62, market=1), blind, open_end])
    assert {part: piece.trades for part, piece in found.pieces.items()} == {
        Part.PREMIUM: 1,
        Part.SELECTION: 1,
        Part.TIMING: 1,
        Part.ENTRY: 1,
        Part.EXIT_RULE: 1,
        Part.EXIT: 1,
        Part.SPREAD: 2,
        Part.FEES: 4,
        Part.UNEXPLAINED: 2,
    }
    assert [text.split(":")[0] for text in found.not_identified] == ["1 trades", "1 trades", "2 trades"]
    assert sum(nets(found).values()) == found.net


def test_a_trade_that_was_sold_in_part_before_it_settled_does_not_call_that_spread() -> None:
    half = replace(bought((38, 42), 62, market=1), exit_proceeds_micros=Micros(800_000), pnl_micros=Micros(165_000))
    found = nets(decompose([half]))
    assert (found[Part.EXIT], found[Part.SPREAD]) == (-200_000, -20_000)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_the_parts_of_any_trades_add_up_to_the_micro(data: st.DataObject) -> None:
    def any_row() -> TradeRow:
        cost, proceeds, fee = (data.draw(micros) for _ in range(3))
        return row(
            event=data.draw(st.integers(0, 3)),
            market=data.draw(st.integers(0, 2)),
            contract_count=Hundredths(data.draw(st.integers(1, 999))),
            yes_bid_micros=data.draw(st.none() | micros),
            yes_ask_micros=data.draw(micros),
            exit_kind=data.draw(st.sampled_from(ExitKind)).value,
            yes_value_micros=data.draw(st.none() | micros),
            entry_cost_micros=Micros(cost),
            exit_proceeds_micros=Micros(proceeds),
            exit_fee_micros=Micros(fee),
            pnl_micros=Micros(proceeds - cost - fee),
        )

    rows, arm = ([any_row() for _ in range(data.draw(st.integers(0, 5)))] for _ in range(2))
    quote = data.draw(st.none() | st.builds(Quote, micros, micros))
    found = decompose(rows, arm, lambda _: quote)
    assert sum(nets(found).values()) == found.net == sum(each.pnl_micros for each in rows)


def test_on_fair_prices_all_but_costs_may_be_nothing_and_costs_are_what_was_paid() -> None:
    sold, held = traded(5), traded(5, hold=True, moments=3)
    sold = [pair for place, pair in enumerate(sold) if place % 3]  # two markets of three
    quotes = {(each.market_ticker, each.pnl_micros): quote for each, quote in sold}
    found = decompose(
        [each for each, _ in sold],
        [each for each, _ in held],
        lambda each: quotes[each.market_ticker, each.pnl_micros],
        resamples=500,
    )
    for part in (Part.PREMIUM, Part.SELECTION, Part.TIMING, Part.EXIT_RULE):
        mean = found.pieces[part].mean_cents
        assert mean.low is not None
        assert mean.high is not None
        assert mean.low < 0 < mean.high
    contracts = sum(each.contract_count for each, _ in sold)
    exits = sum(each.contract_count for each, _ in sold if each.exit_kind != ExitKind.SETTLEMENT)
    assert found.pieces[Part.SPREAD].net == -(contracts + exits) * CENT // 100
    assert found.pieces[Part.FEES].net == -sum(each.entry_fee_micros + each.exit_fee_micros for each, _ in sold)
    for piece in found.pieces.values():
        assert piece.mean_cents.mean == pytest.approx(piece.net / piece.contracts / 100, abs=1e-3)


def test_choosing_the_better_markets_is_selection_and_the_better_moments_timing() -> None:
    chance = random.Random(9)  # noqa: S311  # simulated prices
    arm: list[TradeRow] = []
    for event in range(60):
        for market in range(2):
            yes = 100 if chance.random() < (0.7, 0.3)[market] else 0
            for moment in (-5, 5):
                mid = 50 + moment
                each = bought((mid - 1, mid + 1), 101 - mid, market=market, yes=yes)
                named = f"E{event}-M{market}"
                arm.append(replace(each, settlement_day=row(event=event).settlement_day, market_ticker=named))
    better = [each for each in arm if each.market_ticker.endswith("M1")]
    dearer = [each for each in better if each.yes_bid_micros == 54 * CENT]
    chosen = decompose(better, arm, resamples=500).pieces
    low = chosen[Part.SELECTION].mean_cents.low
    assert low is not None
    assert low > 5
    assert chosen[Part.TIMING].net == 0
    everywhere = decompose(arm, arm, resamples=500).pieces[Part.SELECTION]
    assert abs(everywhere.net) <= len(arm)  # rounded
    assert everywhere.mean_cents.low is None  # and rounding is no evidence
    assert decompose(dearer, arm, resamples=500).pieces[Part.TIMING].net == 5 * CENT * len(dearer)
