"""Other ways to trade on the same forecasts, and other worlds to trade in: all of them the same walk.

An arm changes what was said, or how it is walked, and nothing else. Baselines keep the filter of prices, spreads and
sizes and drop the forecast.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

from msgspec import structs

from mesh.types import Hundredths, Side
from research.plan import WalkPlan
from research.rows import TradeRow
from research.types import Answers, Defects, Fan, Forecasted, Key, RecordedEvent
from research.walk import walk
from trader.domain.settings import Settings
from trader.domain.words import Confidence, EntryStyle

REST_SECONDS: Final = 3660.0
"""How long a resting entry waits: until the next hour's quote was seen."""
LONGSHOT_CENTS: Final = 20.0
"""Highest price of YES that is a longshot."""
FEES: Final = ("0.5", "1.5", "2", "3")
LATENCIES: Final = (0, 5, 15, 30)
LATENCY: Final = "latency-"
"""Before the seconds, in the names of the worlds in which orders come later."""


def _same_answers(answers: Answers) -> Answers:
    return answers


def _same_plan(plan: WalkPlan) -> WalkPlan:
    return plan


def _set(plan: WalkPlan, table: str, **changes: Any) -> WalkPlan:
    """Change settings of one table; those of others stay."""
    old: Settings = plan.settings
    new = getattr(old, table).model_copy(update=changes)
    return replace(plan, settings=old.model_copy(update={table: new}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to trade; it can be sent to other processes, so its functions have names."""

    name: str
    about: str
    """For people."""
    answers: Callable[[Answers], Answers] = _same_answers
    plan: Callable[[WalkPlan], WalkPlan] = _same_plan
    cost: int = 1
    """What its walk takes beside the policy's, about."""

    def walk(
        self, events: Iterable[RecordedEvent], answers: Answers, plan: WalkPlan, defects: Defects
    ) -> Iterator[TradeRow]:
        """Walk events in this way; as `research.walk.walk`."""
        return walk(events, self.answers(answers), self.plan(plan), defects)


def rest(expire_seconds: float = REST_SECONDS) -> Arm:
    """Make the arm whose entries wait at the bid, post-only, for so long."""
    return Arm(
        name="rest",
        about=f"entries wait at the bid for {expire_seconds:g} seconds and never chase",
        plan=partial(_set, table="entries", style=EntryStyle.REST, expire_seconds=expire_seconds),
    )


def fade_longshot(yes_cents: float = LONGSHOT_CENTS) -> Arm:
    """Make the arm that buys NO wherever YES costs so little, whatever was forecast."""
    return Arm(
        name="fade-longshot",
        about=f"NO wherever YES costs {yes_cents:g} cents or less, whatever was forecast",
        answers=say_no,
        plan=partial(_fading, min_price_cents=100.0 - yes_cents),
        cost=5,
    )


def _silence(_: Answers) -> Answers:
    return {}


def say_no(answers: Answers) -> Answers:
    """Say NO at every moment of which anything was forecast, with no move at all.

    Targets and stops stay the policy's. A forecast that was no signal carries none: it takes those of the first signal
    in its series, among the answers that are given, in a run those of one event; where there is none it stays unsaid.
    """
    policies: dict[str, tuple[Key, Forecasted]] = {}
    for key, said in answers.items():
        series = _series(key)
        if isinstance(said, Forecasted) and (series not in policies or _time(key) < _time(policies[series][0])):
            policies[series] = key, said
    found: dict[Key, Forecasted] = {}
    for key, said in answers.items():
        if isinstance(said, Forecasted):
            found[key] = _no(said)
        elif said.fan is not None and _series(key) in policies:
            found[key] = _no(_as_signal(key, said.fan, policies[_series(key)][1]))
    return found


def blind(plan: WalkPlan) -> WalkPlan:
    """Switch the rules off that look at the forecast."""
    off = dict.fromkeys((*plan.settings.rules.off, "confidence", "magnitude", "edge"))
    return _set(plan, "rules", off=tuple(off))


def _fading(plan: WalkPlan, min_price_cents: float) -> WalkPlan:
    return _set(blind(plan), "rules", min_price_cents=min_price_cents)


def without_exits(plan: WalkPlan, time_stop_seconds: float | None = None) -> WalkPlan:
    """Hold everything to the settlement, or for so long."""
    return _set(
        plan,
        "exits",
        take_profit=False,
        stop_loss=False,
        rest_take_profit=False,
        trailing_from_cents=None,
        trailing_distance_cents=None,
        time_stop_seconds=time_stop_seconds,
    )


TAKER: Final = Arm(name="taker", about="entries and exits take what is quoted")
REST: Final = rest()
REST_TARGET: Final = Arm(
    name="rest-target",
    about="entries take, the target rests on the book",
    plan=partial(_set, table="exits", rest_take_profit=True),
)
HOLD: Final = Arm(name="hold", about="everything is held to the settlement", plan=without_exits)
ALWAYS_NO: Final = Arm(
    name="always-no", about="NO at every moment that was asked about", answers=say_no, plan=blind, cost=7
)
FADE_LONGSHOT: Final = fade_longshot()
NOTHING: Final = Arm(name="nothing", about="no trade", answers=_silence)

ARMS: Final = (TAKER, REST, REST_TARGET, HOLD, ALWAYS_NO, FADE_LONGSHOT, NOTHING)
"""Random entries, which are drawn from trades that were made, are in `research.chance`."""


def variations() -> tuple[Arm, ...]:
    """Give the worlds in which a result should still stand: dearer, later, wider, thinner."""
    return (
        *(_fees(Decimal(factor)) for factor in FEES),
        *(_latency(seconds) for seconds in LATENCIES),
        Arm(name="tick-worse", about="every quote a tick worse on both sides", plan=_worse),
        Arm(name="half-size", about="half as much shown at every quote", plan=_thinner),
    )


def _fees(factor: Decimal) -> Arm:
    return Arm(name=f"fees-x{factor}", about=f"fees times {factor}", plan=partial(_dearer, factor=factor))


def _latency(seconds: int) -> Arm:
    about = f"orders meet the book {seconds} seconds later"
    return Arm(name=f"{LATENCY}{seconds}s", about=about, plan=partial(_later, seconds=seconds))


def _dearer(plan: WalkPlan, factor: Decimal) -> WalkPlan:
    return replace(plan, fee_factor=plan.fee_factor * factor)


def _later(plan: WalkPlan, seconds: int) -> WalkPlan:
    # An order that came after its own expiry would never be a trade: it lives as long on the book as before.
    longer = max(0.0, seconds - plan.latency.total_seconds())
    expires = plan.settings.entries.expire_seconds + longer
    return replace(_set(plan, "entries", expire_seconds=expires), latency=timedelta(seconds=seconds))


def _worse(plan: WalkPlan) -> WalkPlan:
    return replace(plan, worse_ticks=plan.worse_ticks + 1)


def _thinner(plan: WalkPlan) -> WalkPlan:
    return replace(plan, assumed_size=Hundredths(max(1, plan.assumed_size // 2)))


def _series(key: Key) -> str:
    return key[0].partition("-")[0]


def _time(key: Key) -> tuple[int, str]:
    return key[1], key[0]


def _as_signal(key: Key, fan: Fan, policy: Forecasted) -> Forecasted:
    """Make a signal of a forecast that was none: where it begins is the price, as far as it is told."""
    at = datetime.fromtimestamp(key[1], UTC)
    price = float(fan.path_cents[0])
    facts = structs.replace(
        policy.signal, current_cents=price, last_candle_time=at, useful_until=at + policy.signal.step
    )
    return Forecasted(
        signal=facts,
        path_cents=fan.path_cents,
        quantiles_cents=fan.quantiles_cents,
        levels=fan.levels,
        model=fan.model,
        input_digest=fan.input_digest,
    )


def _no(said: Forecasted) -> Forecasted:
    signal = said.signal
    facts = structs.replace(
        signal,
        side=Side.NO,
        magnitude_cents=0.0,
        confidence=Confidence.HIGH,
        forecast_mean_cents=signal.current_cents,
        forecast_end_cents=signal.current_cents,
    )
    return replace(said, signal=facts)
