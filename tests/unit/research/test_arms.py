"""Baselines and other worlds, on the same events."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from mesh.types import Hundredths, Side
from research.arms import ARMS, fade_longshot, variations
from research.chance import random_entries
from research.rows import TradeRow
from research.types import Answers, Defects, EntryPolicy, Fan, RecordedEvent, Unsaid
from tests.fakes.research import event, market, strip
from tests.fakes.research_walk import invented, plan, rows, said

ARM = {arm.name: arm for arm in (*ARMS, *variations())}


def walked(name: str, events: list[RecordedEvent], answers: Answers) -> list[TradeRow]:
    return list(ARM[name].walk(events, answers, plan(), Defects()))


def test_every_arm_has_a_name_of_its_own() -> None:
    assert len(ARM) == len(ARMS) + len(variations())


def test_the_taker_is_the_plain_walk_and_nothing_is_nothing() -> None:
    events, answers = invented(seed=2)
    assert walked("taker", events, answers) == rows(events, answers)
    assert walked("nothing", events, answers) == []


def test_hold_enters_as_the_taker_does_and_sells_nothing() -> None:
    events, answers = invented(seed=2)
    apart = plan(entry_policy=EntryPolicy.INDEPENDENT)
    held = list(ARM["hold"].walk(events, answers, apart, Defects()))
    assert {row.exit_kind for row in held} == {"settlement"}
    entries = [(row.market_ticker, row.decision_time, row.entry_cost_micros) for row in held]
    assert entries == [
        (row.market_ticker, row.decision_time, row.entry_cost_micros) for row in rows(events, answers, apart)
    ]


def test_always_no_buys_whatever_was_forecast_but_not_where_nothing_was() -> None:
    told = market(strip([44.0, 44.0, 44.0], [46.0, 46.0, 46.0]), pays=False)
    up = said(told, 0, magnitude=1.0, side=Side.YES, forecast_mean_cents=46.0)
    unsaid = {(told.terms.ticker, int(told.decisions.ends[1])): Unsaid("constant_history")}
    assert rows([event(told)], up) == []
    (row,) = walked("always-no", [event(told)], {**up, **unsaid})
    assert (row.magnitude_cents, row.direction, row.entry_count) == (0.0, "down", 1)


def test_always_no_buys_also_where_the_forecast_was_no_signal_with_the_levels_of_its_series() -> None:
    told = market(strip([44.0, 44.0], [46.0, 46.0]), pays=False)
    fan = Fan(
        path_cents=np.full(6, 45.0, np.float32), quantiles_cents=np.zeros((6, 9), np.float32),
        levels=(), model="by-hand@0", input_digest="1",
    )  # fmt: skip
    flat = {(told.terms.ticker, int(told.decisions.ends[0])): Unsaid("below_threshold", fan)}
    assert walked("always-no", [event(told)], flat) == []
    (row,) = walked("always-no", [event(told)], {**flat, **said(told, 1, stop_loss_cents=9.0)})
    assert (row.entry_count, row.input_digest, row.sl_cents, row.current_price_cents) == (2, "1", 9.0, 45.0)


def test_always_no_keeps_the_filter_of_prices_and_spreads() -> None:
    wide = market(strip([40.0], [51.0]), pays=False)
    dear = market(strip([3.0], [4.0]), ticker="KXHIGHNY-25JAN02-T41", pays=False)
    assert walked("always-no", [event(wide, dear)], said(wide, 0) | said(dear, 0)) == []


def test_a_longshot_is_faded_by_its_price_alone() -> None:
    cheap = market(strip([18.0], [19.0]), ticker="KXHIGHNY-25JAN02-B1", pays=False)
    dear = market(strip([21.0], [22.0]), ticker="KXHIGHNY-25JAN02-B2", pays=False)
    answers = said(cheap, 0, side=Side.YES) | said(dear, 0)
    assert [row.market_ticker for row in walked("fade-longshot", [event(cheap, dear)], answers)] == [
        "KXHIGHNY-25JAN02-B1"
    ]
    both = fade_longshot(25.0).walk([event(cheap, dear)], answers, plan(), Defects())
    assert len(list(both)) == 2


@pytest.mark.parametrize("seconds", [0, 5, 15, 30])
def test_later_orders_live_as_long_on_the_book(seconds: int) -> None:
    told = market(strip([44.0], [46.0]), pays=False)
    (row,) = walked(f"latency-{seconds}s", [event(told)], said(told, 0))
    assert row.entry_time - row.decision_time == timedelta(seconds=seconds)


def test_a_world_can_be_dearer_wider_or_thinner() -> None:
    told = market(strip([44.0], [46.0]), pays=False)
    answers = said(told, 0, magnitude=16.0)

    def entry(name: str) -> tuple[int, int, int]:
        (row,) = walked(name, [event(told)], answers)
        return row.entry_price_micros, row.contract_count, row.entry_fee_micros

    # A limit of 59: 3 dollars buy 4. Half of it: 0.035 x 4 x 0.56 x 0.44 = 0.034496, and so on.
    assert entry("fees-x0.5") == (560_000, 400, 34_500)
    assert entry("taker") == (560_000, 400, 69_000)
    assert entry("fees-x2") == (560_000, 400, 138_000)
    assert entry("tick-worse") == (570_000, 400, 68_700)
    thin = replace(plan(), assumed_size=Hundredths(500))
    (half,) = ARM["half-size"].walk([event(told)], answers, thin, Defects())
    assert half.contract_count == 250


def test_random_entries_are_as_many_in_each_event_and_as_long_and_the_same_for_a_seed() -> None:
    events, answers = invented(seed=3)
    made = rows(events, answers)

    def drawn(seed: int) -> list[TradeRow]:
        return list(random_entries(events, answers, plan(), Defects(), made=made, seed=seed))

    one = drawn(1)
    assert one == drawn(1)
    assert [(row.market_ticker, row.decision_time) for row in one] != [
        (row.market_ticker, row.decision_time) for row in drawn(2)
    ]
    for each in events:
        assert sum(row.event_ticker == each.event_ticker for row in one) == sum(
            row.event_ticker == each.event_ticker for row in made
        )
    spans = {row.exit_time - row.entry_time for row in made}
    assert all(row.exit_time - row.entry_time in spans for row in one if row.exit_kind == "time_stop")
    assert any(row.exit_kind == "time_stop" for row in one)


def test_an_event_with_too_few_moments_for_random_entries_is_counted() -> None:
    told = market(strip([44.0], [46.0]), pays=False)
    answers, defects = said(told, 0), Defects()
    (row,) = rows([event(told)], answers)
    drawn = list(random_entries([event(told)], answers, plan(), defects, made=[row, row], seed=1))
    assert len(drawn) == 1
    assert defects.counts == {"event_with_fewer_moments_than_trades": 1}
