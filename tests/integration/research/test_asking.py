"""Asking a real forecast server about recorded events: every question answered once, and never twice on two days."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from foremesh.forecast.v1 import forecast_pb2, model_pb2, signal_pb2
from foremesh.forecast.v1 import forecast_service_pb2 as pb

from forecast_server.models.random_walk import RandomWalk
from mesh.errors import NotReady, Overloaded, TooLate
from mesh.forecasts import ForecastClient, forecasting
from mesh.rpc.call import Context
from mesh.rpc.config import ClientConfig
from research.answers_store import opened
from research.asking import Asker
from research.questions import QuestionPlan
from research.scanning import Said, Tally
from research.types import Answers, Forecasted, RecordedEvent, Unsaid
from tests.fakes.models import HeldModel
from tests.fakes.questions import until
from tests.fakes.research import event, market, strip, walked
from tests.fakes.serving import Unfinished, forecasts_from, servicer_on_loopback, stoppable

PLAN = QuestionPlan(horizon_steps=3)
TOO_SHORT = 2
"""First candles of a market, from which no model forecasts."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of a few questions, and waits that are over at once."""
    monkeypatch.setattr("research.asking.BATCH", 8)
    monkeypatch.setattr("research.asking._PAGE", 4)
    monkeypatch.setattr("research.scanning._FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr("mesh.forecasts._FIRST_WAIT_SECONDS", 0.001)


@asynccontextmanager
async def client_of(address: str) -> AsyncIterator[ForecastClient]:
    async with forecasting(ClientConfig(targets=(address,))) as client:
        yield client


@dataclass(slots=True)
class Run:
    """What one run gave."""

    tally: Tally
    events: list[str] = field(default_factory=list)
    said: Said = field(default_factory=dict)
    shown: list[tuple[int, int]] = field(default_factory=list)


async def ask(
    address: str, folder: Path, events: list[RecordedEvent], plan: QuestionPlan = PLAN, **keywords: Any
) -> Run:
    run = Run(Tally())

    def take(one: RecordedEvent, answers: Answers) -> None:
        run.events.append(one.event_ticker)
        run.said.update(answers)

    with opened(folder / "answers.sqlite") as store:
        async with client_of(address) as client:
            asker = Asker(client, store, plan, on_progress=lambda *done: run.shown.append(done), **keywords)
            run.tally = asker.tally
            await asker.ask(events, take)
    return run


def events(count: int = 3, candles: int = 9) -> list[RecordedEvent]:
    """Events of two markets."""
    return [
        event(
            market(walked(candles, seed=2 * day), ticker=f"KXHIGHNY-25JAN0{day}-T40"),
            market(walked(candles, seed=2 * day + 1), ticker=f"KXHIGHNY-25JAN0{day}-T50"),
        )
        for day in range(1, count + 1)
    ]


def plain(said: Said) -> dict[object, object]:
    """Answers that can be compared: arrays as lists."""
    return {
        key: one
        if isinstance(one, Unsaid)
        else (
            one.signal,
            one.path_cents.tolist(),
            one.quantiles_cents.tolist(),
            one.levels,
            one.model,
            one.input_digest,
        )
        for key, one in said.items()
    }


async def test_every_candle_of_every_market_is_answered_and_events_come_in_order(tmp_path: Path) -> None:
    asked = events()
    async with forecasts_from(HeldModel()) as server:
        run = await ask(server.address, tmp_path, asked)
    assert run.events == [one.event_ticker for one in asked]
    keys = {(m.terms.ticker, end) for one in asked for m in one.markets for end in m.decisions.ends.tolist()}
    assert set(run.said) == keys
    assert (run.tally.questions, run.tally.asked, run.tally.cached) == (54, 54, 0)
    assert run.tally.unsaid == {"too_short": 6 * TOO_SHORT}
    assert run.shown[-1] == (54, 54)


async def test_an_answer_is_of_its_own_market_and_moment(tmp_path: Path) -> None:
    asked = events()
    async with forecasts_from(HeldModel()) as server:
        run = await ask(server.address, tmp_path, asked)
    for one in asked:
        for recorded in one.markets:
            closes = recorded.decisions.trades[:, 3] / 10_000
            for end, close in list(zip(recorded.decisions.ends.tolist(), closes, strict=True))[TOO_SHORT:]:
                found = run.said[recorded.terms.ticker, end]
                assert isinstance(found, Forecasted)
                assert found.path_cents.tolist() == [min(close + 10, 100)] * 3
                assert found.signal.current_cents == close
                assert found.signal.last_candle_time.timestamp() == end


async def test_a_second_run_asks_for_nothing_and_says_the_same(tmp_path: Path) -> None:
    model = HeldModel()
    async with forecasts_from(model) as server:
        first = await ask(server.address, tmp_path, events())
        computed = model.computed
        second = await ask(server.address, tmp_path, events())
    assert model.computed == computed > 0
    assert (second.tally.asked, second.tally.cached) == (0, 54)
    assert plain(second.said) == plain(first.said)
    assert (second.tally.unsaid, second.events) == (first.tally.unsaid, first.events)


@pytest.mark.parametrize(
    "plan",
    [
        replace(PLAN, horizon_steps=4),
        replace(PLAN, levels=(0.25, 0.5)),
        replace(PLAN, points=3),
        replace(PLAN, price="mid"),
    ],
    ids=["horizon", "levels", "points", "price"],
)
async def test_another_question_is_asked_anew(plan: QuestionPlan, tmp_path: Path) -> None:
    strips = [strip([41, 43, 45, 46], [44, 46, 49, 51], [42, 43, 45, 48])]
    asked = [event(*map(market, strips))]
    async with forecasts_from(HeldModel()) as server:
        await ask(server.address, tmp_path, asked)
        run = await ask(server.address, tmp_path, asked, plan)
    assert run.tally.asked > 0


async def test_another_model_is_asked_anew(tmp_path: Path) -> None:
    async with forecasts_from(HeldModel()) as server:
        await ask(server.address, tmp_path, events())
    async with forecasts_from(HeldModel(weights_digest="e" * 64)) as server:
        run = await ask(server.address, tmp_path, events())
    assert (run.tally.asked, run.tally.cached) == (54, 0)


async def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    model = HeldModel(answers=False, free_batches=2)
    async with forecasts_from(model) as server:
        with opened(tmp_path / "answers.sqlite") as store:
            async with client_of(server.address) as client:
                asker = Asker(client, store, PLAN)
                task = asyncio.ensure_future(asker.ask(events(), lambda _event, _said: None))
                await until(lambda: asker.tally.asked > TOO_SHORT)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
        model.may_answer.set()
        run = await ask(server.address, tmp_path, events())
    assert run.tally.cached == asker.tally.asked, "even what had come last"
    assert run.tally.cached + run.tally.asked == 54


async def test_a_server_that_restarts_is_asked_again_for_what_is_left(tmp_path: Path) -> None:
    held = HeldModel(answers=False, free_batches=2)
    async with stoppable(held) as first:
        address = first.served.address
        task = asyncio.ensure_future(ask(address, tmp_path, events()))
        await until(lambda: len(held.batches) == 2)
        held.may_answer.set()
        first.stop()
        await first.stopped(30)
    again = HeldModel()
    async with forecasts_from(again, listen=(address,)):
        run = await task
    assert (run.tally.asked, len(run.said)) == (54, 54)


async def test_a_server_that_comes_back_as_another_is_not_mixed_in(tmp_path: Path) -> None:
    held = HeldModel(answers=False, free_batches=2)
    async with stoppable(held) as first:
        address = first.served.address
        task = asyncio.ensure_future(ask(address, tmp_path, events()))
        await until(lambda: len(held.batches) == 2)
        first.stop()
        held.may_answer.set()
        await first.stopped(30)
    async with forecasts_from(HeldModel(weights_digest="e" * 64), listen=(address,)):
        with pytest.raises(NotReady, match="SERVER_CHANGED"):
            await task


async def test_what_expires_is_asked_again_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("research.scanning._SCAN_SECONDS", 0.3)
    model = HeldModel(answers=False)
    async with forecasts_from(model) as server:
        task = asyncio.ensure_future(ask(server.address, tmp_path, events(1)))
        await asyncio.sleep(0.6)
        monkeypatch.setattr("research.scanning._SCAN_SECONDS", 60)
        model.may_answer.set()
        run = await task
    assert (run.tally.asked, len(run.said)) == (18, 18)
    assert run.tally.again.total() > 0


class Moody(Unfinished):
    """Finds every history constant, after it has refused or let expire what it was told to."""

    def __init__(self, *, busy: int = 0, expiring: int = 0) -> None:
        self.busy, self.expiring, self.scans = busy, expiring, 0

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:  # noqa: N802
        identity = model_pb2.ModelIdentity(name="moody", weights_digest="0" * 64)
        return pb.GetModelResponse(model=model_pb2.Model(identity=identity, state=model_pb2.MODEL_STATE_READY))

    async def ListExitPolicies(  # noqa: N802
        self, request: pb.ListExitPoliciesRequest, context: Context
    ) -> pb.ListExitPoliciesResponse:
        return pb.ListExitPoliciesResponse(policy_digest="1" * 64)

    async def StreamSignals(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.StreamSignalsRequest], context: Context
    ) -> AsyncIterator[pb.StreamSignalsResponse]:
        self.scans += 1
        if self.busy:
            self.busy -= 1
            raise Overloaded("busy", reason="QUEUE_FULL", retry_after=0.001)
        yield pb.StreamSignalsResponse(accepted=pb.ScanAccepted())
        index = 0
        async for request in request_iterator:
            for _ in request.batch.histories:
                result = signal_pb2.SignalResult(input_index=index)
                if self.expiring:
                    self.expiring -= 1
                    result.expired.reason = forecast_pb2.EXPIRED_REASON_UNREAD
                else:
                    result.no_signal.reason = signal_pb2.NO_SIGNAL_REASON_CONSTANT
                yield pb.StreamSignalsResponse(results=pb.SignalBatch(results=[result]))
                index += 1


async def test_an_overloaded_server_is_given_its_time_again_and_again(tmp_path: Path) -> None:
    moody = Moody(busy=40)
    async with servicer_on_loopback(moody) as server:
        run = await ask(server.addresses[0], tmp_path, events(1))
    assert (run.tally.asked, run.tally.unsaid) == (18, {"constant": 18})
    assert run.tally.again["queue_full"] > 0


async def test_a_scan_that_is_resumed_at_once_is_counted_too(tmp_path: Path) -> None:
    moody = Moody(busy=1)
    async with servicer_on_loopback(moody) as server:
        run = await ask(server.addresses[0], tmp_path, events(1))
    assert (run.tally.asked, moody.scans) == (18, 4)
    assert 0 < run.tally.again["queue_full"] < 18


async def test_every_expired_question_is_counted(tmp_path: Path) -> None:
    async with servicer_on_loopback(Moody(expiring=7)) as server:
        run = await ask(server.addresses[0], tmp_path, events(1))
    assert (run.tally.asked, run.tally.again) == (18, {"expired_unread": 7})


@pytest.mark.parametrize(
    ("moody", "error"),
    [(Moody(busy=1 << 30), Overloaded), (Moody(expiring=1 << 30), TooLate)],
    ids=["busy", "expiring"],
)
async def test_a_server_that_gives_no_answer_at_all_ends_the_run(
    moody: Moody, error: type[Exception], tmp_path: Path
) -> None:
    async with servicer_on_loopback(moody) as server:
        with pytest.raises(error):
            await ask(server.addresses[0], tmp_path, events(1), patience_seconds=0.05)
    assert moody.scans > 1


async def test_a_model_that_is_still_loading_is_waited_for(tmp_path: Path) -> None:
    async with forecasts_from(HeldModel(), load=False) as server:
        task = asyncio.ensure_future(ask(server.address, tmp_path, events(1)))
        await asyncio.sleep(0.05)
        await server.load()
        run = await task
    assert run.tally.asked == 18


async def test_a_candle_without_a_price_is_accounted_for_and_not_asked_about(tmp_path: Path) -> None:
    quotes = strip([None, None, 40, 41, 42], [None, 44, 44, 45, 46])
    async with forecasts_from(HeldModel()) as server:
        run = await ask(server.address, tmp_path, [event(market(quotes))], replace(PLAN, price="mid"))
    assert run.tally.unsaid["no_price"] == 2
    assert list(run.said.values())[:2] == [Unsaid("no_price"), Unsaid("no_price")]
    assert run.tally.questions == run.tally.without_price + run.tally.asked == 5


async def test_events_without_candles_are_given_too(tmp_path: Path) -> None:
    empty = event(market(strip(), ticker="KXHIGHNY-25JAN09-T1"))
    async with forecasts_from(HeldModel()) as server:
        run = await ask(server.address, tmp_path, [empty, *events(1)])
        nothing = await ask(server.address, tmp_path, [])
    assert run.events == ["KXHIGHNY-25JAN09", "KXHIGHNY-25JAN01"]
    assert (nothing.events, nothing.said) == ([], {})


async def test_events_are_taken_only_as_there_is_room(tmp_path: Path) -> None:
    taken: list[int] = []

    def many() -> Iterator[RecordedEvent]:
        for number, one in enumerate(events(9)):
            taken.append(number)
            yield one

    model = HeldModel(answers=False)
    with opened(tmp_path / "answers.sqlite") as store:
        async with forecasts_from(model) as server, client_of(server.address) as client:
            given: list[str] = []
            asker = Asker(client, store, PLAN)
            task = asyncio.ensure_future(asker.ask(many(), lambda one, _: given.append(one.event_ticker)))
            await until(lambda: server.engine.queue.running > 0)
            await asyncio.sleep(0.1)
            assert len(taken) < 4, "18 questions an event, 8 in a batch, two batches on their way"
            model.may_answer.set()
            await task
    assert len(given) == len(taken) == 9


class _Fault(Exception):
    pass


async def test_what_goes_wrong_with_an_answer_is_raised_as_it_is(tmp_path: Path) -> None:
    def take(_event: RecordedEvent, _answers: Answers) -> None:
        raise _Fault

    with opened(tmp_path / "answers.sqlite") as store:
        async with forecasts_from(HeldModel()) as server, client_of(server.address) as client:
            with pytest.raises(_Fault):
                await Asker(client, store, PLAN).ask(events(), take)


async def test_the_servers_own_random_walk_says_of_a_market_that_stands_still_that_it_is_constant(
    tmp_path: Path,
) -> None:
    still = event(market(strip(trades=[40] * 6)))
    async with forecasts_from(RandomWalk()) as server:
        run = await ask(server.address, tmp_path, [still])
    assert run.tally.unsaid == {"too_short": 2, "constant": 4}
