"""Those who are judged side by side: what each says is kept on disk until all have spoken."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from mesh.errors import NotFound, NotReady
from mesh.files import temporary_folder
from research.answers_store import AnswersStore
from research.asking import Asker
from research.quality.came import CameFile
from research.quality.estimates import Chance
from research.quality.evaluation import Evaluation, Recorded, Spoken, counts_words
from research.quality.fans import Fans
from research.quality.gathering import Gathering
from research.quality.scoring import RANDOM_WALK, SPOT, Scores
from research.quality.serving import CannotServe, Serving
from research.quality.spot_forecasts import Spot, SpotForecaster, SpotSeen
from research.questions import QuestionPlan
from research.scanning import Tally
from research.types import Answers, Defects, RecordedEvent


class Panel:
    """Hears forecasters, and judges them; a context manager, whose end forgets what they said.

    Args:
        series: Ticker.
        recorded: What they are asked about, and judged by.
        plan: What they are asked.
    """

    def __init__(self, series: str, recorded: Recorded, plan: QuestionPlan) -> None:
        self.spoken: list[Spoken] = []
        self.unavailable: dict[str, str] = {}
        """Those that said nothing, and why."""
        self._series, self._recorded, self._plan = series, recorded, plan
        self._kept: list[Fans] = []
        self._spot: SpotSeen | None = None
        self._files = ExitStack()
        self._folder = self._files.enter_context(temporary_folder("foremesh-judged-"))
        self._count = 0
        self._came = self._files.enter_context(CameFile(self._folder / "came", plan.horizon_steps))
        self._defects = Defects()
        """Of what was read last."""

    def __enter__(self) -> "Panel":
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget."""
        self._files.close()

    def fans(self) -> Fans:
        """Return where the next one's forecasts are kept."""
        self._count += 1
        return self._files.enter_context(Fans(self._folder / f"{self._count}.fans", self._plan.horizon_steps))

    def put(self, fans: Fans, event: RecordedEvent, answers: Answers) -> None:
        """Keep what one said of an event, and with the first to speak of it what came. Raises as `Fans.put`."""
        fans.put(event, answers)
        if fans.events > self._came.events:
            self._came.put(event)

    def seat(self, name: str, fans: Fans, tally: Tally) -> None:
        """Let one that has said all take part, unless that was nothing. Raises NotFound: `NO_EVENTS`."""
        if not fans.events:
            raise NotFound(f"{self._series}: no event with candles in the time asked for", reason="NO_EVENTS")
        if not fans.forecasts:
            self.unavailable[name] = f"it forecast nothing: {counts_words(tally.unsaid)}"
            return
        # Each is compared with those before it.
        place = 0 if name in {SPOT, RANDOM_WALK} else len(self._kept)
        self.spoken.insert(place, Spoken(name, fans.model, fans.forecasts, tally))
        self._kept.insert(place, fans)

    async def hear(
        self,
        name: str,
        server: Serving,
        store: AnswersStore,
        on_progress: Callable[[int, int, Tally], object] = lambda _done, _total, _tally: None,
    ) -> None:
        """Ask a model about everything.

        Args:
            name: Of the model.
            server: Serves it; where it cannot, the model is left out, and named.
            store: Keeps the answers.
            on_progress: Called now and then with questions answered, all there are as far as that is known, and what
                became of them.

        Raises:
            NotFound: `NO_EVENTS`.
            MeshError, DaemonProblem, StoreError, OSError: The server fails while it is asked, or the disk.
        """
        fans = self.fans()
        total = next((one.tally.questions for one in self.spoken), None)  # all are asked the same
        try:
            async with server() as client:
                asker = Asker(
                    client,
                    store,
                    self._plan,
                    on_progress=lambda done, total: on_progress(done, total, asker.tally),
                    total=total,
                )
                self._defects = Defects()  # every reading finds the same
                await asker.ask(self._recorded.load(self._defects), partial(self.put, fans))
        except CannotServe as error:
            self.unavailable[name] = error.message
        else:
            self.seat(name, fans, asker.tally)

    def judge(self, chance: Chance, spot: Spot | None = None) -> Evaluation | None:
        """Hold what all of them said against what came; None where nobody forecast anything.

        Args:
            chance: How intervals are made.
            spot: Takes part, where it is given.

        Raises:
            NotReady: `LEVELS_DIFFER`.
        """
        if not self._kept:
            return None
        levels = self._kept[0].levels
        if any(fans.levels != levels for fans in self._kept):
            raise NotReady("the models forecast different quantiles and cannot be compared", reason="LEVELS_DIFFER")
        if spot is not None:
            self._imply(spot, levels)
        gathered = Gathering([one.name for one in self.spoken], levels, self._plan.horizon_steps)
        for came, *said in zip(self._came.read(), *(fans.read() for fans in self._kept), strict=True):
            gathered.add(came, said)
        days = sorted(cluster.rpartition(" ")[2] for cluster in gathered.clusters)
        return Evaluation(
            series_ticker=self._series,
            plan=self._plan,
            spoken=tuple(self.spoken),
            unavailable=self.unavailable,
            levels=levels,
            events=self._came.events,
            markets=self._came.markets,
            clusters=len(days),
            days=(days[0], days[-1]),
            data_digest=self._came.digest.hexdigest(),
            questions=gathered.questions,
            shared=gathered.shared,
            alone=gathered.alone,
            missing=+gathered.missing,
            results=gathered.results,
            defects=self._defects,
            scores=Scores(gathered, chance).all(),
            spot=self._spot,
        )

    def _imply(self, spot: Spot, levels: Sequence[float]) -> None:
        """Let the spot of the underlying take part, with such quantiles as the others have."""
        forecaster, fans = SpotForecaster(spot, self._plan, levels), self.fans()
        for event in self._recorded.load(Defects()):
            fans.put(event, forecaster.answers(event))
        self._spot = forecaster.seen()
        self.seat(SPOT, fans, forecaster.tally)
