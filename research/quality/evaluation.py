"""Puts an evaluation together: asks every model about the same events, then judges them side by side."""

import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from mesh.errors import NotFound, NotReady
from mesh.forecast_process import ServerProblem
from mesh.forecasts import ForecastClient, forecasting
from mesh.rpc.config import ClientConfig
from research.answering import answering
from research.answers_store import AnswersStore
from research.asking import Asker
from research.digest import DataDigest
from research.quality.estimates import Chance
from research.quality.fans import Fans
from research.quality.gathering import LAST_VALUE, Gathering
from research.quality.scoring import RANDOM_WALK, Score, Scores, verdict
from research.questions import QuestionPlan
from research.scanning import Tally
from research.server import embedded
from research.types import Defects, RecordedEvent

_CHANCE: Final = Chance()


class CannotServe(NotReady):
    """A model cannot be served on this machine."""

    default_reason = "CANNOT_SERVE"


class Recorded(Protocol):
    """Events that can be read as often as wanted, always the same."""

    def load(self, defects: Defects) -> Iterator[RecordedEvent]:
        """Give them."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a model said, counted."""

    name: str
    provenance: str
    """Name and beginning of the weights' digest."""
    forecasts: int
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What came of it."""

    series_ticker: str
    plan: QuestionPlan
    spoken: tuple[Spoken, ...]
    unavailable: Mapping[str, str]
    """Models that could not be asked, and why."""
    levels: tuple[float, ...]
    events: int
    markets: int
    clusters: int
    days: tuple[str, str]
    """Of the first and the last cluster."""
    data_digest: str
    questions: int
    shared: int
    """Questions that all models forecast: these are judged."""
    alone: int
    """Questions that only some of them did."""
    missing: Mapping[str, int]
    """Steps that could not be judged, by why."""
    results: Mapping[str, int]
    """Markets judged by their result, by where it comes from."""
    defects: Defects
    scores: tuple[Score, ...]
    sealed: int = 0
    """Events that were not looked at."""

    @property
    def models(self) -> tuple[str, ...]:
        """Of the scores: the last value first, then those that were asked."""
        return (LAST_VALUE, *(one.name for one in self.spoken))

    @property
    def verdicts(self) -> tuple[str, ...]:
        """One sentence for every model against the random walk, then for every model against the last value."""
        names = [one.name for one in self.spoken]
        pairs = [(name, RANDOM_WALK) for name in names if name != RANDOM_WALK]
        return tuple(verdict(self.scores, *pair) for pair in (*pairs, *((name, LAST_VALUE) for name in names)))


@dataclass(slots=True)
class Evaluating:
    """What an evaluation needs.

    Args:
        plan: What is asked.
        store: Keeps the answers.
        target: A server that is asked in the place of one of our own, for the model that it serves.
        on_model: Called with each model's name before it is asked.
        on_progress: Called now and then with questions answered and all there are.
        chance: How intervals are made.
    """

    plan: QuestionPlan
    store: AnswersStore
    target: ClientConfig | None = None
    on_model: Callable[[str], object] = lambda _: None
    on_progress: Callable[[int, int], object] = lambda _done, _total: None
    chance: Chance = _CHANCE
    _total: int | None = field(default=None, init=False)

    async def evaluate(self, series: str, recorded: Recorded, models: Sequence[str]) -> Evaluation:
        """Ask all models, one after the other, and judge them. The random walk is always among them.

        A model that cannot be served here is named with the reason, and the others go on.

        Raises:
            NotFound: `NO_EVENTS`.
            NotReady: No model can be served, or the target serves none of them.
            MeshError, ServerProblem, StoreError, OSError: A server fails while it is asked, or the disk.
        """
        names = list(dict.fromkeys((RANDOM_WALK, *models)))
        spoken: list[Spoken] = []
        unavailable: dict[str, str] = {}
        with tempfile.TemporaryDirectory(prefix="foremesh-evaluate-") as folder, ExitStack() as files:
            kept = []
            served = await self._served(names)
            for number, name in enumerate(names):
                self.on_model(name)
                fans = files.enter_context(Fans(Path(folder) / f"{number}.fans", self.plan.horizon_steps))
                try:
                    async with _client(self.target if name == served else None, name) as client:
                        tally = await self._ask(client, recorded, fans)
                except CannotServe as error:
                    unavailable[name] = error.message
                    continue
                if not fans.events:
                    raise NotFound(f"{series}: no event with candles in the time asked for", reason="NO_EVENTS")
                if not fans.forecasts:
                    unavailable[name] = f"it forecast nothing: {counts_words(tally.unsaid)}"
                    continue
                spoken.append(Spoken(name, fans.model, fans.forecasts, tally))
                kept.append(fans)
            if not kept:
                why = "; ".join(f"{name}: {reason}" for name, reason in unavailable.items())
                raise NotReady(f"there is nothing to judge: {why}", reason="NO_FORECAST")
            self.on_model("")
            return self._judge(series, recorded, spoken, unavailable, kept)

    async def _served(self, names: Sequence[str]) -> str | None:
        """Ask the target which model it serves."""
        if self.target is None:
            return None
        async with forecasting(self.target) as client:
            found = str((await client.model()).identity.name)
        if found not in names:
            text = f"the server at {', '.join(self.target.targets)} serves {found}, which is not among the models asked"
            raise NotReady(text, reason="OTHER_MODEL")
        return found

    async def _ask(self, client: ForecastClient, recorded: Recorded, fans: Fans) -> Tally:
        asker = Asker(client, self.store, self.plan, on_progress=self.on_progress, total=self._total)
        await asker.ask(recorded.load(Defects()), fans.put)
        self._total = asker.tally.questions  # the next model is asked the same
        return asker.tally

    def _judge(
        self,
        series: str,
        recorded: Recorded,
        spoken: Sequence[Spoken],
        unavailable: Mapping[str, str],
        kept: Sequence[Fans],
    ) -> Evaluation:
        levels = kept[0].levels
        if any(fans.levels != levels for fans in kept):
            raise NotReady("the models forecast different quantiles and cannot be compared", reason="LEVELS_DIFFER")
        gathered = Gathering([one.name for one in spoken], levels, self.plan.horizon_steps)
        defects, digest, seen = Defects(), DataDigest(), Counter[str]()
        readers = [fans.read() for fans in kept]
        for event in recorded.load(defects):
            digest.add(event)
            seen.update(events=1, markets=len(event.markets))
            gathered.add(event, [next(reader) for reader in readers])
        days = sorted(cluster.rpartition(" ")[2] for cluster in gathered.clusters)
        return Evaluation(
            series_ticker=series,
            plan=self.plan,
            spoken=tuple(spoken),
            unavailable=unavailable,
            levels=levels,
            events=seen["events"],
            markets=seen["markets"],
            clusters=len(days),
            days=(days[0], days[-1]),
            data_digest=digest.hexdigest(),
            questions=gathered.questions,
            shared=gathered.shared,
            alone=gathered.alone,
            missing=+gathered.missing,
            results=gathered.results,
            defects=defects,
            scores=Scores(gathered, self.chance).all(),
        )


def counts_words(counts: Mapping[str, int]) -> str:
    """Say how often what was there, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in ordered) or "nothing"


@asynccontextmanager
async def _client(config: ClientConfig | None, model: str) -> AsyncIterator[ForecastClient]:
    """Connect to a server, or to one that is started for the model. Raises CannotServe where it does not start."""
    if config is not None:
        async with forecasting(config) as client:
            yield client
        return
    ready = False
    try:
        async with embedded(model) as own, forecasting(own) as client:
            await answering(client)
            ready = True
            yield client
    except (ServerProblem, NotReady) as error:
        if ready:
            raise
        tail = error.tail[-1:] if isinstance(error, ServerProblem) else ()
        raise CannotServe(": ".join((str(error), *tail))) from error
