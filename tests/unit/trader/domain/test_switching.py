"""Blocks begin once for each cause, end with it, and never touch exits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.kalshi.sides import Action
from mesh.kalshi.terms import TimeInForce
from mesh.types import Hundredths, Micros, Side
from tests.fakes.trading import NOON, TICKER, Desk, book, cents, contracts, market, moment
from trader.domain import switching, watching
from trader.domain.entries import (
    Adopted,
    AnyEntry,
    CancelIntended,
    OrderIntended,
    OrderResting,
    OrderSent,
    OrderUnknown,
    PositionOpened,
    RequestAnswered,
    SwitchesChanged,
)
from trader.domain.events import (
    Begun,
    BookCame,
    BooksLost,
    Compared,
    Ended,
    Event,
    ExchangeSeen,
    Flatten,
    KillSwitch,
    LinkSeen,
    MarketSeen,
    Pause,
    Remember,
    Resume,
    Tick,
)
from trader.domain.facts import Actor, Block, ExitPlan, OrderTerms
from trader.domain.fold import apply
from trader.domain.protections import EXIT_SILENCE
from trader.domain.switching import Lift, TradingState, resume_outcomes, trading_state
from trader.domain.views import (
    Snapshot,
)
from trader.domain.words import (
    ActorKind,
    BlockKind,
    ChangeKind,
    ExchangeState,
    ExitKind,
    LinkKind,
    Mode,
    Purpose,
)

ANNA = Actor(kind=ActorKind.CALLER, name="anna", role="operator")
OTHER = "KXHIGHCHI-26NOV23-T50"


def snapshot(seconds: float = 0.0) -> Snapshot:
    when = moment(seconds)
    return Snapshot(
        as_of=when.now,
        began=when.seconds,
        orders=(),
        orders_since=NOON,
        fills=(),
        positions=(),
        settlements=(),
        cash=Micros(1_000_000_000),
    )


def ready() -> Desk:
    """Return a desk that is compared and looks at its exits."""
    desk = Desk()
    desk.tell(Compared(snapshot()))
    desk.state.watch.exit_pass = moment().seconds
    return desk


def write(desk: Desk, *entries: AnyEntry, seconds: float = 0.0) -> None:
    for entry in entries:
        apply(desk.state.books, desk.state.books.sequence + 1, moment(seconds).now, entry)
        desk.written.append((moment(seconds).now, entry))


def order(name: str = "entry", ticker: str = TICKER, *, purpose: Purpose = Purpose.ENTRY) -> OrderTerms:
    entry = purpose is Purpose.ENTRY
    event, _, _ = ticker.rpartition("-")
    return OrderTerms(
        client_order_id=name,
        decision_id=f"d-{name}",
        leg=0,
        position_id=f"p-{name}",
        ticker=ticker,
        event_ticker=event,
        series_ticker=ticker.partition("-")[0],
        side=Side.NO,
        action=Action.BUY if entry else Action.SELL,
        purpose=purpose,
        exit_kind=None if entry else ExitKind.STOP_LOSS,
        limit=cents(55),
        count=contracts(5),
        time_in_force=TimeInForce.GOOD_TILL_CANCELED if entry else TimeInForce.IMMEDIATE_OR_CANCEL,
        reduce_only=not entry,
    )


def rest(desk: Desk, name: str, ticker: str = TICKER, *, purpose: Purpose = Purpose.ENTRY) -> None:
    write(
        desk,
        OrderIntended(order=order(name, ticker, purpose=purpose)),
        OrderSent(client_order_id=name),
        OrderResting(client_order_id=name, order_id=f"x-{name}", filled=Hundredths(0)),
    )


def doubt(desk: Desk, name: str, ticker: str = TICKER) -> None:
    write(
        desk,
        OrderIntended(order=order(name, ticker)),
        OrderSent(client_order_id=name),
        OrderUnknown(client_order_id=name, why="no answer"),
    )


def blocks(desk: Desk) -> list[Block]:
    return list(desk.state.books.blocks.values())


def kinds(desk: Desk) -> list[BlockKind]:
    return [block.kind for block in blocks(desk)]


def changes(entries: tuple[AnyEntry, ...]) -> list[SwitchesChanged]:
    return [entry for entry in entries if isinstance(entry, SwitchesChanged)]


def cancelled(entries: tuple[AnyEntry, ...]) -> list[str]:
    return [entry.client_order_id for entry in entries if isinstance(entry, CancelIntended)]


def pause(request_id: str = "r1") -> Pause:
    return Pause(request_id, ANNA, "lunch")


def test_a_pause_blocks_every_market_and_cancels_resting_entries_but_no_exit() -> None:
    desk = ready()
    rest(desk, "entry")
    rest(desk, "exit", purpose=Purpose.EXIT)
    entries = desk.tell(pause(), 1)
    (block,) = blocks(desk)
    assert (block.kind, block.actor, block.why, block.liftable) == (BlockKind.PAUSE, ANNA, "lunch", True)
    assert switching._everywhere(block)
    assert changes(entries)[0].request_id == "r1"
    assert cancelled(entries) == ["entry"]
    assert trading_state(desk.state) is TradingState.PAUSED


def test_an_entry_that_was_on_its_way_when_the_pause_came_is_cancelled_once_it_rests() -> None:
    desk = ready()
    write(desk, OrderIntended(order=order("entry")), OrderSent(client_order_id="entry"))
    assert cancelled(desk.tell(pause(), 1)) == []
    write(desk, OrderResting(client_order_id="entry", order_id="x", filled=Hundredths(0)))
    assert cancelled(desk.tell(KillSwitch(present=False), 2)) == ["entry"]
    assert cancelled(desk.tell(KillSwitch(present=False), 3)) == []


def test_a_second_pause_is_written_without_a_second_block() -> None:
    desk = ready()
    desk.tell(pause("r1"), 1)
    (change,) = changes(desk.tell(pause("r2"), 2))
    assert (change.request_id, change.began) == ("r2", ())
    assert kinds(desk) == [BlockKind.PAUSE]


def test_a_request_that_was_answered_before_changes_nothing() -> None:
    desk = ready()
    desk.tell(pause("r1"), 1)
    remembered = desk.tell(Remember("r1", "PauseTrading", b"answer"), 1)
    assert remembered == (RequestAnswered(request_id="r1", method="PauseTrading", reply=b"answer"),)
    desk.tell(Resume("r2", ANNA, "", ()), 2)
    for event in (pause("r1"), Flatten("r1", ANNA, "", (), None), Resume("r1", ANNA, "", ())):
        assert switching.switch(desk.state, event, moment(3)) == []
    assert desk.tell(Remember("r1", "PauseTrading", b"another"), 3) == ()
    assert desk.state.books.replies["r1"] == ("PauseTrading", b"answer")
    assert blocks(desk) == []


def test_a_resume_lifts_what_people_set_and_nothing_else_unless_it_is_named() -> None:
    desk = ready()
    desk.tell(pause(), 1)
    desk.tell(Flatten("r2", ANNA, "", (OTHER,), None), 1)
    desk.tell(LinkSeen(LinkKind.EXCHANGE, up=False), 1)
    desk.tell(KillSwitch(present=True), 1)
    resume = Resume("r3", ANNA, "back", ())
    outcomes = resume_outcomes(desk.state, resume)
    assert [lift for _, lift in outcomes] == [Lift.LIFTED, Lift.LIFTED]
    (change,) = changes(desk.tell(resume, 2))
    assert change.ended == tuple(name for name, _ in outcomes)
    assert kinds(desk) == [BlockKind.LINK, BlockKind.KILL_SWITCH_FILE]


def test_a_resume_says_for_every_named_block_what_became_of_it() -> None:
    desk = ready()
    desk.tell(pause(), 1)
    desk.tell(LinkSeen(LinkKind.EXCHANGE, up=False), 1)
    held, link = blocks(desk)
    resume = Resume("r3", ANNA, "", (link.block_id, "b-none", held.block_id, held.block_id))
    assert resume_outcomes(desk.state, resume) == (
        (link.block_id, Lift.NOT_LIFTABLE),
        ("b-none", Lift.NOT_FOUND),
        (held.block_id, Lift.LIFTED),
    )
    (change,) = changes(desk.tell(resume, 2))
    assert change.ended == (held.block_id,)
    assert resume_outcomes(desk.state, Resume("r4", ANNA, "", (held.block_id,))) == ((held.block_id, Lift.NOT_FOUND),)


def test_a_resume_with_nothing_to_lift_is_written_for_its_answer() -> None:
    (change,) = changes(ready().tell(Resume("r1", ANNA, "", ()), 1))
    assert (change.change, change.ended) == (ChangeKind.RESUMED, ())


def test_a_flatten_of_markets_blocks_these_and_cancels_their_entries() -> None:
    desk = ready()
    rest(desk, "here")
    rest(desk, "there", OTHER)
    entries = desk.tell(Flatten("r1", ANNA, "out", (OTHER, OTHER), None), 1)
    assert [block.market_ticker for block in blocks(desk)] == [OTHER]
    assert "here" not in cancelled(entries)
    assert "there" in cancelled(entries)
    assert trading_state(desk.state) is TradingState.RUNNING
    desk.tell(Flatten("r2", ANNA, "out", (TICKER, OTHER), None), 2)
    assert [block.market_ticker for block in blocks(desk)] == [OTHER, TICKER]


def test_a_flatten_of_everything_blocks_everything() -> None:
    desk = ready()
    desk.tell(Flatten("r1", ANNA, "out", (), None), 1)
    (block,) = blocks(desk)
    assert (block.kind, block.market_ticker, block.liftable) == (BlockKind.FLATTEN, None, True)


def test_the_kill_switch_file_blocks_while_it_is_there_and_no_call_lifts_it() -> None:
    desk = ready()
    rest(desk, "entry")
    entries = desk.tell(KillSwitch(present=True), 1)
    assert cancelled(entries) == ["entry"]
    assert changes(desk.tell(KillSwitch(present=True), 2)) == []
    (block,) = blocks(desk)
    assert resume_outcomes(desk.state, Resume("r", ANNA, "", (block.block_id,))) == (
        (block.block_id, Lift.NOT_LIFTABLE),
    )
    assert trading_state(desk.state) is TradingState.PAUSED
    (gone,) = changes(desk.tell(KillSwitch(present=False), 3))
    assert gone.ended == (block.block_id,)
    assert changes(desk.tell(KillSwitch(present=False), 4)) == []


def test_nothing_is_entered_until_the_first_comparison_after_every_start() -> None:
    desk = Desk()
    assert kinds(desk) == [BlockKind.RECONCILIATION]
    assert trading_state(desk.state) is TradingState.STARTING
    desk.tell(Tick(), 1)
    assert kinds(desk) == [BlockKind.RECONCILIATION]
    desk.tell(Compared(snapshot(2)), 2)
    assert blocks(desk) == []
    assert trading_state(desk.state) is TradingState.RUNNING


def test_exits_that_work_before_the_first_comparison_end_the_start() -> None:
    desk = Desk()
    desk.state.watch.exit_pass = moment().seconds
    assert trading_state(desk.state) is TradingState.HALTED
    desk.tell(Ended(), 1)
    assert trading_state(desk.state) is TradingState.STOPPING


@pytest.mark.parametrize("kind", [LinkKind.EXCHANGE, LinkKind.MARKET_DATA, LinkKind.FORECAST_SERVER])
def test_a_link_that_is_away_blocks_once_and_until_it_works(kind: LinkKind) -> None:
    desk = ready()
    desk.tell(LinkSeen(kind, up=False, problem="refused"), 1)
    assert changes(desk.tell(LinkSeen(kind, up=False, problem="another"), 2)) == []
    (block,) = blocks(desk)
    assert (block.kind, block.liftable) == (BlockKind.LINK, False)
    assert trading_state(desk.state) is TradingState.HALTED
    desk.tell(LinkSeen(kind, up=True), 3)
    assert blocks(desk) == []


def test_after_a_restart_a_link_blocks_until_it_is_seen_to_work() -> None:
    desk = ready()
    desk.tell(LinkSeen(LinkKind.FORECAST_SERVER, up=False), 1)
    after = Desk(begun=False)
    after.state.books = desk.refolded()
    after.tell(Compared(snapshot(5)), 5)
    assert kinds(after) == [BlockKind.LINK]
    after.tell(LinkSeen(LinkKind.FORECAST_SERVER, up=True), 6)
    assert blocks(after) == []


def test_a_link_to_the_notifier_blocks_nothing() -> None:
    desk = ready()
    desk.tell(LinkSeen(LinkKind.NOTIFIER, up=False), 1)
    assert blocks(desk) == []


def test_a_pause_of_the_exchange_blocks_until_it_is_open() -> None:
    desk = ready()
    desk.tell(ExchangeSeen(ExchangeState.TRADING_PAUSED), 1)
    desk.tell(ExchangeSeen(ExchangeState.EXCHANGE_PAUSED), 2)
    assert kinds(desk) == [BlockKind.EXCHANGE_PAUSE]
    desk.tell(ExchangeSeen(ExchangeState.OPEN), 3)
    assert blocks(desk) == []


def test_nothing_is_cancelled_while_the_exchange_takes_no_cancellations() -> None:
    desk = ready()
    rest(desk, "entry")
    desk.tell(ExchangeSeen(ExchangeState.EXCHANGE_PAUSED), 1)
    assert cancelled(desk.tell(pause(), 2)) == []
    assert cancelled(desk.tell(ExchangeSeen(ExchangeState.OPEN), 3)) == ["entry"]


def test_an_unknown_order_blocks_its_market_and_too_many_block_all() -> None:
    desk = ready()
    doubt(desk, "a")
    doubt(desk, "b")
    desk.tell(ExchangeSeen(ExchangeState.OPEN), 1)
    assert [block.market_ticker for block in blocks(desk)] == [TICKER]
    assert trading_state(desk.state) is TradingState.RUNNING
    doubt(desk, "c", OTHER)
    desk.tell(ExchangeSeen(ExchangeState.OPEN), 2)
    assert sorted(block.market_ticker or "" for block in blocks(desk)) == ["", OTHER, TICKER]
    assert trading_state(desk.state) is TradingState.HALTED
    for name in ("a", "b"):
        write(desk, OrderResting(client_order_id=name, order_id=f"x-{name}", filled=Hundredths(0)))
    desk.tell(ExchangeSeen(ExchangeState.OPEN), 3)
    assert [block.market_ticker for block in blocks(desk)] == [OTHER]


def compare(desk: Desk, seconds: float, *found: str) -> tuple[AnyEntry, ...]:
    """Let a comparison be over that left these differences, named as `comparing` keeps them."""
    desk.state.watch.absences = dict.fromkeys(found, 1)
    event = Compared(snapshot(seconds))
    watching.see(desk.state.watch, event, moment(seconds))
    entries = tuple(switching.protect(desk.state, event, moment(seconds)))
    write(desk, *entries, seconds=seconds)
    return entries


def test_an_open_difference_blocks_until_a_comparison_without_it() -> None:
    desk = ready()
    position, cash = f"open:position:{TICKER}", "open:cash:"
    compare(desk, 1, position, cash)
    assert sorted(block.market_ticker or "" for block in blocks(desk)) == ["", TICKER]
    assert set(kinds(desk)) == {BlockKind.RECONCILIATION}
    desk.tell(ExchangeSeen(ExchangeState.OPEN), 2)
    assert len(blocks(desk)) == 2
    assert changes(compare(desk, 3, position, cash)) == []
    compare(desk, 4, position)
    assert [block.market_ticker for block in blocks(desk)] == [TICKER]
    compare(desk, 5)
    assert blocks(desk) == []


def test_after_a_restart_one_comparison_does_not_end_an_old_difference() -> None:
    desk = ready()
    compare(desk, 1, f"open:position:{TICKER}")
    after = Desk(begun=False)
    after.state.books = desk.refolded()
    after.tell(Begun("run-2", Mode.PAPER, "1", "0" * 64), 10)
    compare(after, 11)
    assert [block.market_ticker for block in blocks(after)] == [TICKER]
    compare(after, 12)
    assert blocks(after) == []


def test_a_silent_exit_loop_blocks_and_a_price_is_enough_to_notice_it() -> None:
    desk = ready()
    rest(desk, "exit", purpose=Purpose.EXIT)
    assert changes(desk.tell(BookCame(book(OTHER)), 30)) == []
    (change,) = changes(desk.tell(BookCame(book(OTHER)), 31))
    assert change.began[0].kind is BlockKind.LINK
    assert changes(desk.tell(BookCame(book(OTHER)), 32)) == []
    desk.state.watch.exit_pass = moment(33).seconds
    desk.tell(ExchangeSeen(ExchangeState.OPEN), 33)
    assert blocks(desk) == []


def hold(desk: Desk, ticker: str = TICKER) -> None:
    terms = market(ticker)
    write(
        desk,
        PositionOpened(position_id="p", market=terms, side=Side.NO, decision_id=None, ask=None, plan=ExitPlan()),
        Adopted(position_id="p", count=contracts(5), cost=Micros(2_700_000), actor=ANNA),
    )


def test_a_position_whose_price_is_not_known_for_long_blocks_until_it_is() -> None:
    desk = ready()
    hold(desk)
    desk.tell(Tick(), 30)
    assert blocks(desk) == []
    desk.tell(Tick(), 31)
    assert [block.why for block in blocks(desk)] == [EXIT_SILENCE]
    desk.tell(BookCame(book()), 32)
    desk.tell(Tick(), 33)
    assert blocks(desk) == []
    desk.tell(BooksLost(None), 34)
    desk.tell(Tick(), 62)
    assert blocks(desk) == []
    desk.tell(Tick(), 64)
    assert [block.why for block in blocks(desk)] == [EXIT_SILENCE]


@pytest.mark.parametrize("event", [ExchangeSeen(ExchangeState.TRADING_PAUSED), MarketSeen(market(), trading=False)])
def test_where_nothing_can_be_sold_no_price_is_missed(event: Event) -> None:
    desk = ready()
    hold(desk)
    desk.tell(event, 1)
    desk.tell(Tick(), 100)
    assert EXIT_SILENCE not in [block.why for block in blocks(desk)]


def test_an_exit_loop_with_nothing_to_look_at_may_be_silent() -> None:
    desk = ready()
    desk.tell(ExchangeSeen(ExchangeState.OPEN), 1000)
    assert blocks(desk) == []


EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Pause, st.sampled_from(["r1", "r2"]), st.just(ANNA), st.just("why")),
    st.builds(Resume, st.sampled_from(["r3", "r4"]), st.just(ANNA), st.just(""), st.just(())),
    st.builds(
        Flatten,
        st.sampled_from(["r5", "r6"]),
        st.just(ANNA),
        st.just(""),
        st.sampled_from([(), (TICKER,), (TICKER, OTHER)]),
        st.none(),
    ),
    st.builds(Remember, st.sampled_from(["r1", "r3", "r5"]), st.just("m"), st.just(b"")),
    st.builds(KillSwitch, st.booleans()),
    st.builds(LinkSeen, st.sampled_from(LinkKind), st.booleans()),
    st.builds(ExchangeSeen, st.sampled_from(ExchangeState)),
    st.just(Compared(snapshot())),
    st.just(BookCame(book())),
    st.just(Tick()),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENTS, max_size=25))
def test_no_cause_has_two_blocks_and_the_same_events_give_the_same_entries(events: list[Event]) -> None:
    one, two = Desk(), Desk()
    for desk in (one, two):
        rest(desk, "exit", purpose=Purpose.EXIT)
        rest(desk, "entry")
    for number, event in enumerate(events):
        entries = one.tell(event, number * 7.0)
        assert entries == two.tell(event, number * 7.0)
        assert "exit" not in cancelled(tuple(e for e in entries if isinstance(e, CancelIntended)))
        begun = [block.block_id for change in changes(entries) for block in change.began]
        assert len(begun) == len(set(begun))
        causes = [(b.kind, b.market_ticker, b.series_ticker, b.finding and b.finding.rule, b.why) for b in blocks(one)]
        assert len(causes) == len(set(causes))
        ended = [name for change in changes(entries) for name in change.ended]
        assert not set(ended) & set(one.state.books.blocks)
    one.tell(KillSwitch(present=False), 1000)
    one.tell(Resume("r9", ANNA, "", ()), 1001)
    for kind in LinkKind:
        one.tell(LinkSeen(kind, up=True), 1002)
    one.tell(ExchangeSeen(ExchangeState.OPEN), 1003)
    one.state.watch.exit_pass = moment(1003).seconds
    compare(one, 1004)
    compare(one, 1005)
    assert blocks(one) == []
    assert one.refolded().blocks == one.state.books.blocks
