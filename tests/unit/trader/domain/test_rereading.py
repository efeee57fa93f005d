"""Decisions made again from a journal: the same where nothing was changed, and every change is found by its name."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from mesh.kalshi.sides import Action
from mesh.kalshi.terms import OrderStatus
from mesh.types import Hundredths, Micros, Price, Side
from tests.fakes.trading import NOON, TICKER, Desk, book, cents, contracts, market, moment, signal
from trader.domain.entries import (
    AnyEntry,
    Decided,
    ExitDecided,
    OrderIntended,
    ShadowPlaced,
    SignalSeen,
    Started,
)
from trader.domain.events import (
    BookCame,
    BooksLost,
    Compared,
    ExchangeSeen,
    FillSeen,
    Flatten,
    MarketSeen,
    OrderSeen,
    ScanBegan,
    Sending,
    SignalCame,
    Stopping,
    Tick,
)
from trader.domain.facts import Actor, FillFacts
from trader.domain.fold import apply
from trader.domain.remaking import Unmade
from trader.domain.rereading import ENTRY, EXIT, Remade, Rereading
from trader.domain.settings import EntrySettings, ExitSettings, RuleSettings, Settings, SizeSettings
from trader.domain.state import Books
from trader.domain.views import OrderView, Snapshot
from trader.domain.words import ActorKind, EntryStyle, ExchangeState, ExitKind
from trader.journal.codec import decode, encode

Written = list[tuple[datetime, AnyEntry]]
SIBLING = "KXHIGHNY-26NOV23-T70"
DEEP = book(no_asks=((56, 1.5), (57, 20), (58, 30), (62, 100)), no_bids=((54, 100), (53, 100)))


def reread(written: Written, version: str = "1") -> Remade:
    """Make every decision again, of entries as they would be on disk."""
    books, rereading = Books("journal-1"), Rereading(version)
    for sequence, (time, given) in enumerate(written, 1):
        entry = decode(encode(given), sequence)
        rereading.take(books, sequence, time, entry)
        apply(books, sequence, time, entry)
    rereading.end()
    return rereading.found


def changed(written: Written, kind: type[AnyEntry], **fields: Any) -> Written:
    """Exchange what the first entry of a kind says."""
    place = next(place for place, (_, entry) in enumerate(written) if isinstance(entry, kind))
    time, entry = written[place]
    return [*written[:place], (time, replace(entry, **fields)), *written[place + 1 :]]


def without(written: Written, kind: type[AnyEntry]) -> Written:
    return [(time, entry) for time, entry in written if not isinstance(entry, kind)]


def first(written: Written, kind: type[Any]) -> Any:
    return next(entry for _, entry in written if isinstance(entry, kind))


def fields(found: Remade) -> dict[str, tuple[Any, Any]]:
    """What differs in the only decision that does."""
    (differing,) = found.differing
    return {difference.field: (difference.written, difference.made) for difference in differing.differences}


class Life(Desk):
    """A trader that has begun, has compared its books and sees a market."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(settings)
        self.scans = 0
        self.tell(ExchangeSeen(ExchangeState.OPEN))
        self.read()
        self.tell(Tick())

    def read(self, seconds: float = 0.0, *views: OrderView, shards: tuple[tuple[int, Micros], ...] = ()) -> None:
        cash = Micros(100_000_000)
        self.tell(Compared(Snapshot(moment(seconds).now, seconds, views, NOON, (), (), (), cash, shards, cash)))

    def scan(
        self, seconds: float = 1.0, ticker: str = TICKER, *, closes: float = 12, **signals: Any
    ) -> tuple[AnyEntry, ...]:
        self.scans += 1
        terms = market(ticker, closes=timedelta(hours=closes))
        self.tell(ScanBegan(f"scan-{self.scans}", ("KXHIGHNY",), 1), seconds)
        return self.tell(SignalCame(f"scan-{self.scans}", terms, signal(**signals), b""), seconds)

    def bought(self, seconds: float = 1.0) -> OrderIntended:
        """Buy, and have it filled at once."""
        self.tell(BookCame(book(no_bids=((55, 100),))), seconds)
        (intended,) = [entry for entry in self.scan(seconds) if isinstance(entry, OrderIntended)]
        order = intended.order
        self.tell(Sending(order.client_order_id), seconds)
        view = OrderView(
            "x-1", order.client_order_id, TICKER, False, order.limit.complement, OrderStatus.EXECUTED, order.count,
            order.count, Hundredths(0),
        )  # fmt: skip
        self.tell(OrderSeen(view), seconds)
        fill = FillFacts(
            fill_id="f-1", order_id="x-1", ticker=TICKER, side=Side.YES, action=Action.SELL,
            price=cents(44), count=order.count, fee=Micros(1000), taker=True, time=moment(seconds).now,
        )  # fmt: skip
        self.tell(FillSeen(fill), seconds)
        return intended


def plainly(life: Life) -> None:
    life.tell(BookCame(DEEP))
    life.scan(1.3)


def without_a_book(life: Life) -> None:
    life.scan()


def with_a_book_that_was_lost(life: Life) -> None:
    life.tell(BookCame(book()))
    life.tell(BooksLost(None), 0.5)
    life.scan()


def with_an_old_book(life: Life) -> None:
    life.tell(BookCame(book()))
    life.scan(11.7)


def before_a_pause(life: Life) -> None:
    soon, later = moment(300).now, moment(90_000).now
    pauses = ((later, later + timedelta(hours=2)), (soon, soon + timedelta(hours=2)))
    life.tell(ExchangeSeen(ExchangeState.OPEN, pauses=pauses))
    life.tell(BookCame(DEEP))
    life.scan()


def with_half_the_size_where_a_pause_lies_beyond_the_close_but_in_the_horizon(life: Life) -> None:
    pause = (NOON + timedelta(hours=5), NOON + timedelta(hours=7))
    life.tell(ExchangeSeen(ExchangeState.OPEN, pauses=(pause,)))
    life.tell(BookCame(DEEP))
    life.scan(closes=4)


def in_a_halted_market(life: Life) -> None:
    life.tell(BookCame(book()))
    life.tell(MarketSeen(market(), trading=False))
    life.scan()


def while_it_stops(life: Life) -> None:
    life.tell(BookCame(book()))
    life.tell(Stopping(cancel_entries=False))
    life.scan()


def with_cash_on_a_shard_that_knows_of_one_entry_and_not_of_another(life: Life) -> None:
    tickers = (TICKER, SIBLING)
    for ticker in tickers:
        life.tell(BookCame(book(ticker)))
        life.scan(1.0, ticker)
    known = first(life.written, OrderIntended).order
    view = OrderView(
        "x-1", known.client_order_id, known.ticker, False, known.limit.complement, OrderStatus.RESTING, known.count,
        Hundredths(0), known.count,
    )  # fmt: skip
    life.read(2.0, view, shards=((0, Micros(3_400_000)), (1, Micros(90_000_000))))
    last = "KXHIGHNY-26NOV24-T60"
    life.tell(BookCame(book(last)), 3)
    life.scan(3.0, last)


def with_a_position_that_nobody_looks_at(life: Life) -> None:
    life.bought()
    life.tell(BookCame(book()), 50)
    life.scan(51.5)


def with_a_signal_that_is_useful_no_more(life: Life) -> None:
    life.tell(BookCame(book()))
    life.scan(1.0, useful_until=NOON)


def with_figures_that_are_none(life: Life) -> None:
    life.tell(BookCame(book()))
    life.scan(1.0, take_profit_cents=1e300, magnitude_cents=0.1 + 0.2)


SITUATIONS: tuple[Callable[[Life], None], ...] = (
    plainly,
    without_a_book,
    with_a_book_that_was_lost,
    with_an_old_book,
    before_a_pause,
    with_half_the_size_where_a_pause_lies_beyond_the_close_but_in_the_horizon,
    in_a_halted_market,
    while_it_stops,
    with_cash_on_a_shard_that_knows_of_one_entry_and_not_of_another,
    with_a_position_that_nobody_looks_at,
    with_a_signal_that_is_useful_no_more,
    with_figures_that_are_none,
)
STYLES = (
    Settings(),
    Settings(entries=EntrySettings(style=EntryStyle.REST, improve_ticks=1)),
    Settings(
        rules=RuleSettings(off=("edge", "book_age", "pause"), min_edge_cents=-7.25, edge_uncertainty_share=0.3),
        sizes=SizeSettings(whole_contracts=False, underlyings={"KXHIGHNY": "NY"}),
        exits=ExitSettings(trailing_from_cents=3.0, trailing_distance_cents=2.0, time_stop_seconds=3600),
    ),
)


@pytest.mark.parametrize("settings", STYLES, ids=["take", "rest", "other limits"])
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: each.__name__)
def test_an_entry_is_decided_again_as_it_was(situation: Callable[[Life], None], settings: Settings) -> None:
    life = Life(settings)
    situation(life)
    found = reread(life.written)
    assert (found.differing, found.unmade) == ([], {})
    assert found.same[ENTRY] == life.scans > 0


@pytest.mark.parametrize(
    ("situation", "field", "value"),
    [
        (plainly, "exchange", None),
        (in_a_halted_market, "halted", False),
        (before_a_pause, "pauses", ()),
        (with_half_the_size_where_a_pause_lies_beyond_the_close_but_in_the_horizon, "pauses", ()),
        (while_it_stops, "stopping", False),
        (plainly, "signal_age", 301.0),
        (with_a_position_that_nobody_looks_at, "exit_silence", 1.0),
        (with_cash_on_a_shard_that_knows_of_one_entry_and_not_of_another, "cash", None),
        (with_cash_on_a_shard_that_knows_of_one_entry_and_not_of_another, "covered", ()),
        (plainly, "offers", ()),
    ],
)
def test_everything_that_is_written_down_of_what_was_seen_decides(
    situation: Callable[[Life], None], field: str, value: object
) -> None:
    life = Life()
    situation(life)
    *before, (time, last) = [row for row in life.written if isinstance(row[1], Decided)]
    assert isinstance(last, Decided)
    assert last.sight is not None
    assert getattr(last.sight, field) != value
    place = life.written.index((time, last))
    life.written[place] = (time, replace(last, sight=replace(last.sight, **{field: value})))
    found = reread(life.written)
    assert [each.decision_id for each in found.differing] == [last.decision_id]
    assert found.same[ENTRY] == len(before)


def both(why: Unmade) -> set[tuple[str, Unmade]]:
    return {(ENTRY, why), (EXIT, why)}


def stopped() -> Life:
    """A position that was sold by its stop, at the second check below it."""
    life = Life()
    life.bought()
    for seconds in (12.0, 13.0, 14.0, 17.5):
        life.tell(BookCame(book(no_bids=((40, 100),), no_asks=((50, 100),))), seconds)
    assert first(life.written, ExitDecided).exit_kind is ExitKind.STOP_LOSS
    return life


def entered() -> Life:
    life = Life()
    plainly(life)
    assert first(life.written, ShadowPlaced)
    return life


@pytest.mark.parametrize(
    ("settings", "prices", "kind"),
    [
        (Settings(), (80,), ExitKind.TAKE_PROFIT),
        (Settings(), (None, None), ExitKind.STOP_LOSS),
        (
            Settings(exits=ExitSettings(trailing_from_cents=3.0, trailing_distance_cents=4.0)),
            (62, 66, 61, 61),
            ExitKind.TRAILING_STOP,
        ),
        (Settings(exits=ExitSettings(time_stop_seconds=40.0)), (57, 58, 58), ExitKind.TIME_STOP),
    ],
)
def test_an_exit_is_decided_again_as_it_was(settings: Settings, prices: Sequence[float | None], kind: ExitKind) -> None:
    life = Life(settings)
    life.bought()
    for number, price in enumerate(prices):
        seconds = 12.3 + 17.1 * number
        bids = () if price is None else ((price, 100.0),)
        life.tell(BookCame(book(no_bids=bids, no_asks=((90, 100),))), seconds)
    assert first(life.written, ExitDecided).exit_kind is kind
    found = reread(life.written)
    assert (found.differing, found.unmade, found.same) == ([], {}, {ENTRY: 1, EXIT: 1})


def test_a_rule_that_was_set_otherwise_is_found_with_both_bounds() -> None:
    written = entered().written
    settings = msgspec.json.decode(msgspec.json.encode(first(written, Started).settings))
    settings["rules"]["max_spread_cents"] = 1.0
    settings["sizes"]["dollars_per_trade"] = 2.0
    found = fields(reread(changed(written, Started, settings=settings)))
    assert found["findings.spread.at_most"] == (100_000, 10_000)
    assert found["findings.spread.verdict"] == ("passed", "refused")
    assert found["entered"] == (True, False)
    assert found["plan.count"] == (contracts(5), contracts(3))
    assert found["order"][1] is None
    assert found["shadow"][1] is None


def test_a_figure_that_was_written_otherwise_is_found_and_nothing_else() -> None:
    written = entered().written
    decided = first(written, Decided)
    findings = tuple(
        replace(finding, figure=finding.figure + 1) if finding.rule == "event_exposure" else finding
        for finding in decided.findings
    )
    ((name, (was, made)),) = fields(reread(changed(written, Decided, findings=findings))).items()
    assert (name, was - made) == ("findings.event_exposure.figure", 1)


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (lambda written: without(written, OrderIntended), ["order"]),
        (lambda written: without(written, ShadowPlaced), ["shadow"]),
        (lambda written: changed(written, ShadowPlaced, ahead=Hundredths(1)), ["shadow.ahead"]),
        (
            lambda written: changed(
                written, OrderIntended, order=replace(first(written, OrderIntended).order, limit=cents(57))
            ),
            ["order.limit"],
        ),
        (lambda written: changed(written, Decided, decision_id="d-other"), ["decision_id", "order", "shadow"]),
        (lambda written: changed(written, SignalSeen, signal=signal(side=Side.YES)), ["side", "entered"]),
        (
            lambda written: changed(written, Decided, sight=replace(first(written, Decided).sight, halted=True)),
            ["entered", "findings.pause.verdict", "findings.pause.figure", "order", "shadow"],
        ),
    ],
)
def test_anything_else_that_was_written_otherwise_is_found(
    change: Callable[[Written], Written], differs: Sequence[str]
) -> None:
    assert set(differs) <= set(fields(reread(change(entered().written))))


def test_a_market_that_was_decided_on_twice_in_a_scan_is_found() -> None:
    life = Life()
    without_a_book(life)
    place = next(place for place, (_, entry) in enumerate(life.written) if isinstance(entry, Decided))
    found = reread([*life.written[: place + 1], *life.written[place - 1 : place + 1]])
    assert fields(found)["decision"][1] is None


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (lambda exit_: {"trigger": cents(40)}, {"trigger"}),
        (lambda exit_: {"floor": Price(exit_.floor + 1)}, {"floor"}),
        (lambda exit_: {"count": contracts(1)}, {"count"}),
        (lambda exit_: {"exit_kind": ExitKind.TRAILING_STOP}, {"exit_kind"}),
        (lambda exit_: {"checks": replace(exit_.checks, below=0)}, {"decision"}),
        (lambda exit_: {"checks": replace(exit_.checks, counted_seconds=4.9)}, {"decision"}),
        (lambda exit_: {"checks": replace(exit_.checks, held_seconds=9.9)}, {"decision"}),
        (lambda exit_: {"top": replace(exit_.top, bid=cents(49))}, {"decision"}),
        (lambda exit_: {"top": replace(exit_.top, age_seconds=None)}, {"decision"}),
        (lambda exit_: {"top": None}, {"decision"}),
    ],
)
def test_an_exit_that_its_prices_do_not_ask_for_is_found(
    change: Callable[[ExitDecided], dict[str, Any]], differs: set[str]
) -> None:
    life = stopped()
    found = reread(changed(life.written, ExitDecided, **change(first(life.written, ExitDecided))))
    assert set(fields(found)) == differs
    assert found.differing[0].what == EXIT


@pytest.mark.parametrize(
    ("change", "unmade"),
    [
        (lambda written: changed(written, Started, version="0.9"), both(Unmade.OTHER_VERSION)),
        (lambda written: changed(written, Started, settings=None), both(Unmade.NO_SETTINGS)),
        (
            lambda written: changed(written, Started, settings={"rules": {"luck": 1}}),
            both(Unmade.UNREADABLE_SETTINGS),
        ),
        (lambda written: without(written, Started), both(Unmade.NO_START)),
        (lambda written: without(written, SignalSeen), {(ENTRY, Unmade.NO_SIGNAL)}),
        (lambda written: changed(written, SignalSeen, scan_id="another"), {(ENTRY, Unmade.NO_SIGNAL)}),
        (lambda written: changed(written, Decided, sight=None), {(ENTRY, Unmade.NO_SIGHT)}),
        (lambda written: changed(written, ExitDecided, checks=None), {(EXIT, Unmade.NO_CHECKS)}),
    ],
)
def test_what_cannot_be_decided_again_is_counted_with_its_reason(
    change: Callable[[Written], Written], unmade: set[tuple[str, Unmade]]
) -> None:
    found = reread(change(stopped().written))
    assert (found.differing, set(found.unmade)) == ([], unmade)
    assert sum(found.unmade.values()) + sum(found.same.values()) == 2


def test_what_a_person_sold_was_not_decided() -> None:
    life = Life()
    life.bought()
    person = Actor(kind=ActorKind.CALLER, name="ann")
    life.tell(Flatten("r-1", person, "enough", (), None), 13)
    found = reread(life.written)
    assert (found.differing, found.same, found.unmade) == ([], {ENTRY: 1}, {(EXIT, Unmade.BY_A_PERSON): 1})


def test_an_entry_of_an_older_version_is_read_and_counted() -> None:
    written: Written = []
    for number, (time, entry) in enumerate(stopped().written, 1):
        body = msgspec.json.decode(encode(entry))
        for name in ("settings", "sight", "checks"):
            body.pop(name, None)
        written.append((time, decode(msgspec.json.encode(body), number)))
    found = reread(written)
    assert (found.same, set(found.unmade)) == ({}, both(Unmade.NO_SETTINGS))
