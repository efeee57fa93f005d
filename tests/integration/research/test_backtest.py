"""A backtest from one end to the other: what is written down is what is said, and in the right order."""

import asyncio
import csv
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mesh.errors import InvalidInput, NotFound
from research import csv_file
from research.backtest import Backtest
from research.scanning import Tally
from research.sealing import SealProblem, seal
from research.trials import Kind, Ledger
from tests.fakes.backtests import CANDLES, MARKETS, plan, recording, run
from tests.fakes.recorded_stores import BEGIN, SERIES

DAYS = 4


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return recording(tmp_path / "data", DAYS)


async def test_every_headline_is_a_sum_of_the_files_rows(root: Path, tmp_path: Path) -> None:
    found = await run(plan(root), tmp_path)

    with found.csv.open(newline="") as file:
        lines = list(csv.DictReader(file))
    head = found.summary.judgement.headline
    sums = {
        name: sum(int(line[name]) for line in lines)
        for name in ("pnl_micros", "pnl_pessimistic_micros", "pnl_optimistic_micros", "contract_count")
    }
    assert found.csv.name == "backtest_KXHIGHNY_6h.csv"
    assert len(lines) == head.trades > DAYS
    assert sums == {
        "pnl_micros": head.net,
        "pnl_pessimistic_micros": head.pessimistic,
        "pnl_optimistic_micros": head.optimistic,
        "contract_count": head.contracts,
    }
    assert found.summary.decomposition.net == head.net == found.summary.curve[-1].net
    assert sum(piece.net for piece in found.summary.decomposition.pieces.values()) == head.net
    assert sum(found.summary.distribution.values()) == head.trades
    for groups in found.summary.tables.values():
        assert sum(group.net for group in groups.values()) == head.net


async def test_every_trade_is_written_with_the_quantiles_that_the_server_forecast(root: Path, tmp_path: Path) -> None:
    found = await run(plan(root), tmp_path)

    with found.csv.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert lines
    for line in lines:
        end, *quantiles = [float(line[f"forecast_{name}_cents"]) for name in ("end", *(f"q{n}0" for n in range(1, 10)))]
        # `Falling` lies fifteen below the last price, its quantiles evenly within four of that.
        assert quantiles == pytest.approx([end + number for number in range(-4, 5)])


async def test_the_funnel_and_the_questions_add_up(root: Path, tmp_path: Path) -> None:
    found = await run(plan(root), tmp_path)

    looking, tally = found.walked["policy"].looking, found.conditions.tally
    assert tally.questions == looking.looked == DAYS * MARKETS * CANDLES
    assert looking.signals + looking.unsaid.total() == looking.looked
    assert looking.signals - sum(step.refused for step in looking.funnel()) == looking.entries
    assert (found.conditions.events, found.conditions.markets) == (DAYS, DAYS * MARKETS)
    assert found.conditions.results == {"recorded": DAYS * MARKETS}


async def test_a_run_is_in_the_ledger_before_anything_is_asked_and_its_result_before_it_is_given(
    root: Path, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "trials.jsonl")
    seen: list[list[Kind]] = []

    found = await run(
        plan(root), tmp_path, on_progress=lambda *_: seen.append([entry.kind for entry in ledger.entries()])
    )

    (trial,) = ledger.trials()
    assert seen[0] == [Kind.BEGUN]
    assert trial.run["series"] == SERIES
    assert trial.run["model"] == "held"
    assert trial.result is not None
    assert trial.result["net_micros"] == found.summary.judgement.headline.net
    assert trial.result["csv"] == hashlib.sha256(found.csv.read_bytes()).hexdigest()
    assert trial.result["data"] == found.conditions.data_digest


async def test_the_same_run_again_asks_nothing_writes_the_same_and_is_no_other_trial(
    root: Path, tmp_path: Path
) -> None:
    first = await run(plan(root), tmp_path)
    content = first.csv.read_bytes()

    again = await run(plan(root), tmp_path)

    assert again.conditions.tally.asked == 0
    assert again.csv.read_bytes() == content
    assert again.summary == first.summary
    deflated = again.summary.judgement.deflated
    assert deflated is not None
    assert deflated.trials == 1


async def test_other_parameters_are_another_trial(root: Path, tmp_path: Path) -> None:
    await run(plan(root), tmp_path)

    other = await run(plan(root, horizon=timedelta(hours=3)), tmp_path)

    deflated = other.summary.judgement.deflated
    assert other.csv.name == "backtest_KXHIGHNY_3h.csv"
    assert deflated is not None
    assert deflated.trials == 2


async def test_a_run_that_is_interrupted_goes_on_where_it_was(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("research.asking.BATCH", 8)
    monkeypatch.setattr("research.asking._PAGE", 4)

    def interrupt(_done: int, _total: int, tally: Tally) -> None:
        if tally.asked >= DAYS * MARKETS * CANDLES // 2:
            task.cancel()

    task = asyncio.ensure_future(run(plan(root), tmp_path, on_progress=interrupt))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not (tmp_path / "backtest_KXHIGHNY_6h.csv").exists()

    found = await run(plan(root), tmp_path)

    interrupted, ended = Ledger(tmp_path / "trials.jsonl").trials()
    assert found.conditions.tally.cached >= DAYS * MARKETS * CANDLES // 2
    assert interrupted.result is None
    assert ended.result is not None


async def test_walks_beside_it_change_nothing(root: Path, tmp_path: Path) -> None:
    alone = await run(plan(root), tmp_path)
    rows = csv_file.read(alone.csv)

    among = await run(plan(root, baselines=True), tmp_path)

    assert csv_file.read(among.csv) == rows
    assert "always-no" in among.summary.beside
    assert among.summary.judgement.headline == alone.summary.judgement.headline


async def test_nobody_finds_a_file_of_trades_before_the_ledger_knows_what_they_came_to(
    root: Path, tmp_path: Path
) -> None:
    there: list[bool] = []

    def now() -> datetime:
        there.append(any(tmp_path.glob("*.csv")))
        return datetime.now(UTC)

    found = await run(plan(root), tmp_path, ledger=Ledger(tmp_path / "trials.jsonl", now))

    assert there == [False, False]
    assert found.csv.exists()


async def test_ordinary_runs_never_see_the_sealed_period_and_one_opens_it(root: Path, tmp_path: Path) -> None:
    begins = BEGIN + timedelta(days=2)
    ledger = Ledger(tmp_path / "trials.jsonl")
    whole = await run(plan(root), tmp_path)
    everything = csv_file.read(whole.csv)
    seal(ledger, SERIES, begins)

    before = await run(plan(root), tmp_path)
    early = csv_file.read(before.csv)
    inside = await run(plan(root, open_sealed=True), tmp_path)
    late = csv_file.read(inside.csv)

    assert (before.conditions.events, before.conditions.sealed_events) == (2, 2)
    judged = [0 if one.quality is None else one.quality.events for one in (whole, before, inside)]
    assert judged == [4, 2, 2]
    seen, unseen = ({row.event_ticker for row in rows} for rows in (early, late))
    assert seen.isdisjoint(unseen)
    assert seen | unseen == {row.event_ticker for row in everything}
    assert early == [row for row in everything if row.event_ticker in seen]
    with pytest.raises(SealProblem):
        await run(plan(root, open_sealed=True), tmp_path)


async def test_a_horizon_between_steps_is_refused_and_a_series_that_is_not_there_named(
    root: Path, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match="whole number of steps"):
        await run(plan(root, horizon=timedelta(minutes=90)), tmp_path)
    with pytest.raises(NotFound, match="KXNONE") as caught:
        await run(plan(root, series="KXNONE"), tmp_path)
    assert caught.value.reason == "SERIES_MISSING"
    assert Ledger(tmp_path / "trials.jsonl").entries() == []


async def test_where_nothing_is_left_to_be_walked_it_is_said_what_was_left_out(root: Path, tmp_path: Path) -> None:
    seal(Ledger(tmp_path / "trials.jsonl"), SERIES, BEGIN - timedelta(days=9))

    with pytest.raises(NotFound, match=rf"no event is left to be walked \({DAYS} sealed; defects: "):
        await run(plan(root), tmp_path)


def test_a_result_rests_on_its_data(tmp_path: Path) -> None:
    async def both() -> tuple[Backtest, Backtest]:
        one = await run(plan(recording(tmp_path / "one", 1)), tmp_path)
        return one, await run(plan(recording(tmp_path / "two", 2)), tmp_path)

    one, two = asyncio.run(both())

    assert one.conditions.data_digest != two.conditions.data_digest
