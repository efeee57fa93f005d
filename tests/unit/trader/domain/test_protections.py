"""Protections trip at their limits, once, and end as they should."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from mesh.kalshi.fees import FeeTerms, trade_fee
from mesh.kalshi.sides import Action
from mesh.kalshi.terms import FeeType, TimeInForce
from mesh.types import DOLLAR, Hundredths, Micros, Price, Side, cost
from tests.fakes.account_reads import exit_terms
from tests.fakes.trading import NOON, TICKER, Desk, book, cents, contracts, market, moment
from trader.domain import exits
from trader.domain.entries import AnyEntry, Filled, OrderIntended, OrderSent, PositionClosed, PositionOpened
from trader.domain.events import (
    BookCame,
    BookListed,
    BooksLost,
    Compared,
    Event,
    ExchangeSeen,
    KillSwitch,
    LinkSeen,
    MarketSeen,
    Resume,
    Tick,
)
from trader.domain.facts import TRADER, Actor, Block, ExitPlan, FillFacts, OrderTerms, Trade
from trader.domain.fold import CALIBRATION, DAILY_LOSS, DRAWDOWN, apply
from trader.domain.protections import STOP_GUARD, liquidation, tripped, unrealised
from trader.domain.settings import ProtectionSettings, Settings
from trader.domain.state import Outcome
from trader.domain.views import (
    Snapshot,
)
from trader.domain.words import ActorKind, BlockKind, ExchangeState, ExitKind, LinkKind, Purpose, Verdict

ANNA = Actor(kind=ActorKind.CALLER, name="anna")
MIDNIGHT = NOON + timedelta(hours=12)


def ready(**limits: float) -> Desk:
    """Return a desk that is compared, with protections changed."""
    desk = Desk(Settings(protections=ProtectionSettings(**limits)))  # type: ignore[arg-type]  # numbers as they are
    when = moment()
    shot = Snapshot(when.now, when.seconds, (), NOON, (), (), (), Micros(10**9))
    desk.tell(Compared(shot))
    return desk


def write(desk: Desk, *entries: AnyEntry, seconds: float = 0.0) -> None:
    for entry in entries:
        apply(desk.state.books, desk.state.books.sequence + 1, moment(seconds).now, entry)


def buy(desk: Desk, name: str = "one", *, ticker: str = TICKER, at: float = 54, count: float = 5) -> None:
    """Open a position of NO contracts at a price in cents, without fees."""
    deal(desk, name, Action.BUY, ticker=ticker, at=at, count=count)


def deal(desk: Desk, name: str, action: Action, *, ticker: str, at: float, count: float, seconds: float = 0.0) -> None:
    terms, entry = market(ticker), action is Action.BUY
    order = f"{name}-{action.value}-{desk.state.books.sequence}"
    intended = OrderTerms(
        client_order_id=order,
        decision_id=f"d-{name}",
        leg=0,
        position_id=f"p-{name}",
        ticker=ticker,
        event_ticker=terms.event_ticker,
        series_ticker=terms.series_ticker,
        side=Side.NO,
        action=action,
        purpose=Purpose.ENTRY if entry else Purpose.EXIT,
        exit_kind=None if entry else ExitKind.STOP_LOSS,
        limit=cents(at),
        count=contracts(count),
        time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
    )
    fill = FillFacts(
        fill_id=f"f-{order}",
        order_id=f"x-{order}",
        ticker=ticker,
        side=Side.NO,
        action=action,
        price=cents(at),
        count=contracts(count),
        fee=Micros(0),
        taker=True,
        time=moment(seconds).now,
    )
    opened = PositionOpened(
        position_id=f"p-{name}", market=terms, side=Side.NO, decision_id=None, ask=None, plan=ExitPlan()
    )
    write(desk, OrderIntended(order=intended), OrderSent(client_order_id=order), seconds=seconds)
    if entry:
        write(desk, opened)
    filled = Filled(fill=fill, client_order_id=order, position_id=f"p-{name}", expected_fee=None)
    write(desk, filled, seconds=seconds)


def close(
    desk: Desk, name: str, *, ticker: str = TICKER, seconds: float = 0.0, kind: ExitKind = ExitKind.STOP_LOSS, won: bool
) -> None:
    """Write a whole trade of one contract: bought at 50 cents, sold at 51 or 49."""
    buy(desk, name, ticker=ticker, at=50, count=1)
    at = 51.0 if won else 49.0
    deal(desk, name, Action.SELL, ticker=ticker, at=at, count=1, seconds=seconds)
    terms = market(ticker)
    trade = Trade(
        position_id=f"p-{name}",
        ticker=ticker,
        event_ticker=terms.event_ticker,
        series_ticker=terms.series_ticker,
        side=Side.NO,
        count=contracts(1),
        cost=Micros(500_000),
        proceeds=Micros(cents(at)),
        fees=Micros(0),
        exit_kind=kind,
        legs=(),
        entry_slippage=None,
        decision_id=f"d-{name}",
        open_time=NOON,
        close_time=moment(seconds).now,
    )
    write(desk, PositionClosed(trade=trade), seconds=seconds)


def guards(desk: Desk) -> list[Block]:
    return [block for block in desk.state.books.blocks.values() if block.kind is BlockKind.PROTECTION]


def rules(desk: Desk) -> list[str]:
    return [block.finding.rule for block in guards(desk) if block.finding]


def tick(desk: Desk, seconds: float) -> tuple[AnyEntry, ...]:
    """Let the protections look, by an event that moves nothing else."""
    return desk.tell(Tick(), seconds)


def test_what_is_open_counts_at_its_bids_after_the_fee_of_selling() -> None:
    desk = ready()
    buy(desk, count=5, at=54)
    desk.tell(BookCame(book(no_bids=((50, 3), (48, 10)))))
    paid = cost(cents(50), contracts(3)) + cost(cents(48), contracts(2))
    fees = sum(
        trade_fee(FeeTerms(FeeType.QUADRATIC), price=cents(at).complement, count=contracts(n))
        for at, n in ((50, 3), (48, 2))
    )
    found = unrealised(desk.state, moment())
    assert found.unpriced == 0
    # Beside the formula's fee the balance is rounded to a hundredth of a cent, once a level.
    assert paid - 2_700_000 - fees - 200 < found.net <= paid - 2_700_000 - fees


@pytest.mark.parametrize("bids", [(), ((50.0, 4.99),)])
def test_what_the_bids_do_not_take_counts_nothing_and_is_counted(bids: tuple[tuple[float, float], ...]) -> None:
    desk = ready()
    buy(desk, count=5)
    assert unrealised(desk.state, moment()) == (0, 1)
    desk.tell(BookCame(book(no_bids=bids)))
    assert unrealised(desk.state, moment()) == (0, 1)


def test_a_book_that_may_have_changed_prices_nothing() -> None:
    desk = ready()
    buy(desk)
    desk.tell(BookCame(book()))
    assert unrealised(desk.state, moment()).unpriced == 0
    desk.tell(BooksLost(None))
    assert unrealised(desk.state, moment()) == (0, 1)


def test_a_sale_is_reckoned_again_when_anything_that_it_depends_on_changes() -> None:
    desk = ready()
    buy(desk, count=5)
    held = desk.state.books.positions["p-one"]

    def told() -> int:
        """Return what a sale comes to: asked again it is the same, and the same as in a book that was just told."""
        sale = liquidation(desk.state, held, moment())
        assert sale == liquidation(desk.state, held, moment())
        desk.state.watch.books[TICKER].sale = None
        assert sale == liquidation(desk.state, held, moment())
        return sale or 0

    desk.tell(BookCame(book(no_bids=((50, 9),))))
    first = told()
    desk.tell(BookCame(book(no_bids=((49, 9),))))
    lower = told()
    assert lower < first
    held.count = contracts(2)
    fewer = told()
    assert fewer < lower
    quadratic, waived = FeeTerms(FeeType.QUADRATIC), FeeTerms(FeeType.QUADRATIC, waived_until=moment(3600).now)
    held.market = structs.replace(held.market, fees=waived)
    assert told() == cost(cents(49), contracts(2)) > fewer
    assert liquidation(desk.state, held, moment(3600)) == fewer
    held.market = structs.replace(held.market, fees=quadratic)
    assert told() == fewer
    (entry,) = desk.state.books.orders.values()
    ours = structs.replace(entry.terms, client_order_id="ours", limit=cents(49), count=contracts(8))
    write(desk, OrderIntended(order=ours), OrderSent(client_order_id="ours"))
    assert told() == 0


def stopped(desk: Desk, name: str = "one") -> None:
    """Let a stop be decided."""
    position = desk.state.books.positions[f"p-{name}"]
    reached = exits.Reached(ExitKind.STOP_LOSS, cents(48))
    write(desk, exits.decision("journal-1", position, reached, actor=TRADER, floor=cents(1), top=None))


def test_what_a_stop_cannot_sell_for_want_of_bids_is_worth_what_they_take() -> None:
    desk = ready(max_daily_loss_dollars=1.0)
    buy(desk, count=5)
    desk.tell(BookCame(book(no_bids=())))
    tick(desk, 1)
    assert (unrealised(desk.state, moment(1)), rules(desk)) == ((0, 1), [])
    stopped(desk)
    tick(desk, 2)
    assert (unrealised(desk.state, moment(2)), rules(desk)) == ((-2_700_000, 0), [DAILY_LOSS])
    desk.tell(BookCame(book(no_bids=((1, 2),))), 2)
    assert -2_700_000 < unrealised(desk.state, moment(2)).net <= -2_680_000


@pytest.mark.parametrize(
    "event", [ExchangeSeen(ExchangeState.TRADING_PAUSED), MarketSeen(market(closes=timedelta(0)), trading=False)]
)
def test_where_nothing_can_be_sold_missing_bids_say_nothing_about_what_a_stop_was_to_sell(event: Event) -> None:
    desk = ready()
    buy(desk, count=5)
    desk.tell(BookCame(book(no_bids=())))
    stopped(desk)
    desk.tell(event, 1)
    assert unrealised(desk.state, moment(1)) == (0, 1)


def test_while_a_stop_s_own_order_takes_the_bids_they_are_not_missing() -> None:
    desk = ready()
    buy(desk, count=5)
    stopped(desk)
    write(desk, OrderIntended(order=exit_terms(position="p-one")))
    desk.tell(BookCame(book(no_bids=())), 1)
    assert unrealised(desk.state, moment(1)) == (0, 1)


def test_a_market_whose_fees_nobody_knows_prices_nothing() -> None:
    desk = ready()
    buy(desk)
    held = desk.state.books.positions["p-one"]
    held.market = structs.replace(held.market, fees=FeeTerms(FeeType.UNKNOWN))
    desk.tell(BookCame(book()))
    assert liquidation(desk.state, held, moment()) is None


def test_the_daily_loss_trips_where_it_is_reached_and_ends_at_midnight() -> None:
    desk = ready(max_daily_loss_dollars=1.0)
    buy(desk, at=60, count=10)
    deal(desk, "one", Action.SELL, ticker=TICKER, at=50.1, count=10)
    tick(desk, 1)
    assert rules(desk) == []
    buy(desk, "two", at=60, count=0.1)
    deal(desk, "two", Action.SELL, ticker=TICKER, at=50, count=0.1)
    tick(desk, 2)
    (block,) = guards(desk)
    assert block.finding is not None
    assert (block.finding.rule, block.finding.verdict, block.finding.figure) == (
        DAILY_LOSS,
        Verdict.REFUSED,
        -1_000_000,
    )
    assert (block.until, block.liftable, block.market_ticker) == (MIDNIGHT, True, None)
    assert "-$1" in block.why
    tick(desk, 3)
    tick(desk, 12 * 3600 - 1)
    assert guards(desk) == [block]
    tick(desk, 12 * 3600)
    assert guards(desk) == []


def test_a_loss_that_is_not_sold_yet_counts_and_a_recovery_does_not_end_the_block() -> None:
    desk = ready(max_daily_loss_dollars=1.0)
    buy(desk, at=60, count=10)
    desk.tell(BookCame(book(no_bids=((49, 100),))))
    tick(desk, 1)
    assert rules(desk) == [DAILY_LOSS]
    desk.tell(BookCame(book(no_bids=((70, 100),))), 2)
    tick(desk, 3)
    assert rules(desk) == [DAILY_LOSS]


def test_a_loss_that_stays_open_over_midnight_blocks_the_next_day_anew() -> None:
    desk = ready(max_daily_loss_dollars=1.0)
    buy(desk, at=60, count=10)
    desk.tell(BookCame(book(no_bids=((49, 100),))))
    tick(desk, 1)
    tick(desk, 12 * 3600)
    (block,) = guards(desk)
    assert block.until == MIDNIGHT + timedelta(days=1)


def test_a_drawdown_blocks_until_a_person_names_it() -> None:
    desk = ready(max_drawdown_dollars=2.0, max_daily_loss_dollars=100.0)
    buy(desk, at=40, count=10)
    deal(desk, "one", Action.SELL, ticker=TICKER, at=70, count=10)
    buy(desk, "two", at=70, count=10)
    deal(desk, "two", Action.SELL, ticker=TICKER, at=50, count=10)
    tick(desk, 1)
    (block,) = guards(desk)
    assert block.finding is not None
    assert (block.finding.rule, block.finding.figure, block.until) == (DRAWDOWN, 2_000_000, None)
    tick(desk, 48 * 3600)
    desk.tell(Resume("r1", ANNA, "", ()), 48 * 3600)
    assert guards(desk) == [block]
    desk.tell(Resume("r2", ANNA, "I know", (block.block_id,)), 48 * 3600)
    tick(desk, 48 * 3600 + 1)
    assert guards(desk) == []


def test_a_lifted_drawdown_of_what_is_not_sold_yet_counts_from_there() -> None:
    desk = ready(max_drawdown_dollars=1.0, max_daily_loss_dollars=100.0)
    buy(desk, at=60, count=10)
    desk.tell(BookCame(book(no_bids=((47, 100),))))
    tick(desk, 1)
    (block,) = guards(desk)
    assert block.finding is not None
    assert block.finding.rule == DRAWDOWN
    desk.tell(Resume("r1", ANNA, "I know", (block.block_id,)), 2)
    tick(desk, 3)
    assert guards(desk) == []
    deal(desk, "one", Action.SELL, ticker=TICKER, at=37.1, count=10)
    tick(desk, 4)
    assert guards(desk) == [], "99 cents more, and less: the bid of before was to pay a fee"
    buy(desk, "two", at=60, count=10)
    deal(desk, "two", Action.SELL, ticker=TICKER, at=50, count=10)
    tick(desk, 5)
    assert rules(desk) == [DRAWDOWN]


def test_stops_in_a_row_block_their_series_for_a_while() -> None:
    desk = ready(stop_guard_count=3, stop_guard_seconds=3600.0)
    for number in range(2):
        close(desk, f"n{number}", seconds=number * 60, won=False)
    close(desk, "chicago", ticker="KXHIGHCHI-26NOV23-T50", seconds=60, won=False)
    close(desk, "target", seconds=60, kind=ExitKind.TAKE_PROFIT, won=True)
    tick(desk, 61)
    assert guards(desk) == []
    close(desk, "n2", seconds=120, won=False)
    tick(desk, 121)
    (block,) = guards(desk)
    assert (block.series_ticker, block.liftable) == ("KXHIGHNY", False)
    assert block.finding is not None
    assert (block.finding.rule, block.finding.figure, block.finding.at_most) == (STOP_GUARD, 3, 2)
    tick(desk, 120 + 3599)
    assert guards(desk) == [block]
    tick(desk, 120 + 3600)
    assert guards(desk) == []


def test_stops_far_apart_block_nothing() -> None:
    desk = ready(stop_guard_count=2, stop_guard_seconds=60.0)
    close(desk, "a", seconds=0, won=False)
    close(desk, "b", seconds=60, won=False)
    tick(desk, 61)
    assert guards(desk) == []


def test_forecasts_that_miss_block_once_there_are_enough_trades() -> None:
    desk = ready(calibration_trades=5, calibration_min_share=0.8, stop_guard_count=1000)
    for number, won in enumerate([True, True, True, False, False, False]):
        close(desk, f"n{number}", won=won)
    tick(desk, 1)
    assert guards(desk) == [], "two of the latest five are enough, of which chance would give two and a half"
    close(desk, "last", won=False)
    tick(desk, 2)
    (block,) = guards(desk)
    assert block.finding is not None
    assert (block.finding.rule, block.finding.figure, block.finding.at_least) == (CALIBRATION, 0.4, 0.8)
    assert (block.until, block.liftable) == (None, True)


def test_a_target_far_away_and_a_stop_at_hand_are_not_taken_for_forecasts_that_miss() -> None:
    desk = ready(calibration_trades=5, stop_guard_count=1000)
    desk.state.books.outcomes.extend([Outcome(False, 3 / 23)] * 4 + [Outcome(True, 3 / 23)])
    tick(desk, 1)
    assert guards(desk) == []
    desk.state.books.outcomes.append(Outcome(False, 3 / 23))
    tick(desk, 2)
    assert guards(desk) == []
    desk.state.books.outcomes.extend([Outcome(False, 3 / 23)] * 5)
    tick(desk, 3)
    assert rules(desk) == [CALIBRATION]


def test_a_lifted_daily_loss_is_forgiven_for_the_day_and_counts_from_there() -> None:
    desk = ready(max_daily_loss_dollars=1.0)
    buy(desk, at=60, count=10)
    deal(desk, "one", Action.SELL, ticker=TICKER, at=49, count=10)
    tick(desk, 1)
    (block,) = guards(desk)
    desk.tell(Resume("r1", ANNA, "I know", (block.block_id,)), 2)
    tick(desk, 3)
    assert guards(desk) == []
    buy(desk, "two", at=60, count=10)
    deal(desk, "two", Action.SELL, ticker=TICKER, at=50.1, count=10)
    tick(desk, 4)
    assert guards(desk) == [], "99 cents more"
    buy(desk, "three", at=60, count=0.1)
    deal(desk, "three", Action.SELL, ticker=TICKER, at=50, count=0.1)
    tick(desk, 5)
    assert [block.finding and block.finding.figure for block in guards(desk)] == [-2_100_000]


def test_lifted_forecasts_are_judged_anew_by_the_trades_after_that() -> None:
    desk = ready(calibration_trades=5, stop_guard_count=1000)
    for number in range(5):
        close(desk, f"n{number}", won=False)
    tick(desk, 1)
    (block,) = guards(desk)
    desk.tell(Resume("r1", ANNA, "new weights", (block.block_id,)), 2)
    for number in range(4):
        close(desk, f"m{number}", won=False)
    tick(desk, 3)
    assert guards(desk) == []
    close(desk, "m4", won=False)
    tick(desk, 4)
    assert rules(desk) == [CALIBRATION]


def test_too_few_trades_say_nothing_about_forecasts() -> None:
    desk = ready(calibration_trades=5, stop_guard_count=1000)
    for number in range(4):
        close(desk, f"n{number}", won=False)
    tick(desk, 1)
    assert guards(desk) == []


@pytest.mark.parametrize(
    "event",
    [
        BookCame(book()),
        BookListed(book("KXHIGHNY-26NOV23-T99")),
        LinkSeen(LinkKind.EXCHANGE, up=True),
        ExchangeSeen(ExchangeState.OPEN),
        KillSwitch(present=False),
    ],
)
def test_prices_and_links_do_not_set_protections_off_by_themselves(
    event: BookCame | BookListed | LinkSeen,
) -> None:
    desk = ready(max_daily_loss_dollars=1.0)
    buy(desk, at=60, count=10)
    deal(desk, "one", Action.SELL, ticker=TICKER, at=10, count=10)
    desk.tell(event, 1)
    assert guards(desk) == []
    tick(desk, 2)
    assert rules(desk) == [DAILY_LOSS]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(2, 98), st.integers(1, 98), st.integers(1, 2000)),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.tuples(st.integers(1, 99), st.integers(1, 3000)), max_size=4, unique_by=lambda level: level[0]),
)
def test_a_block_is_there_exactly_where_its_limit_is_reached(
    deals: list[tuple[int, int, int]], bids: list[tuple[int, int]]
) -> None:
    desk = ready(max_daily_loss_dollars=3.0, max_drawdown_dollars=4.0, stop_guard_count=1000)
    net, peak = 0, 0
    for number, (bought, sold, count) in enumerate(deals):
        buy(desk, f"n{number}", at=bought, count=count / 100)
        if number < len(deals) - 1:
            deal(desk, f"n{number}", Action.SELL, ticker=TICKER, at=sold, count=count / 100)
            net += (sold - bought) * count * 100
            peak = max(peak, net)
    desk.tell(BookCame(book(no_bids=[(at, size / 100) for at, size in bids], no_asks=())))
    tick(desk, 1)
    equity = net + unrealised(desk.state, moment(1)).net
    assert (DAILY_LOSS in rules(desk)) == (equity <= -3_000_000)
    assert (DRAWDOWN in rules(desk)) == (peak - equity >= 4_000_000)
    for block in guards(desk):
        finding = block.finding
        assert finding is not None
        assert isinstance(finding.figure, int)
        lowest = -(10**12) if finding.at_least is None else finding.at_least
        highest = 10**12 if finding.at_most is None else finding.at_most
        assert isinstance(lowest, int)
        assert isinstance(highest, int)
        assert not lowest <= finding.figure <= highest
    assert len(rules(desk)) == len(set(rules(desk)))
    assert list(tripped(desk.state, moment(1))) == list(tripped(desk.state, moment(1)))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(Side),
    st.integers(1, 2000),
    st.lists(st.tuples(st.integers(1, 99), st.integers(1, 1500)), max_size=5, unique_by=lambda level: level[0]),
)
def test_selling_never_pays_more_than_the_best_bid_and_both_sides_are_alike(
    side: Side, count: int, bids: list[tuple[int, int]]
) -> None:
    desk = ready()
    buy(desk)
    held = replace(desk.state.books.positions["p-one"], side=side, count=Hundredths(count))
    levels = [(Price(at * 10_000), Hundredths(size)) for at, size in bids]
    here = book(no_bids=[(at / 10_000, size / 100) for at, size in levels], no_asks=())
    if side is Side.YES:
        here = type(here).from_levels(TICKER, levels, [])
    desk.tell(BookCame(here))
    value = liquidation(desk.state, held, moment())
    assert (value is None) == (sum(size for _, size in levels) < count)
    if value is not None:
        assert value <= max(at for at, _ in levels) * count // 100 <= DOLLAR * count // 100
        other = replace(held, side=side.other)
        mirrored = type(here).from_levels(
            TICKER,
            [(at.complement, size) for at, size in here.yes_asks.items()],
            [(at.complement, size) for at, size in here.yes_bids.items()],
        )
        desk.tell(BookCame(mirrored))
        assert liquidation(desk.state, other, moment()) == value
