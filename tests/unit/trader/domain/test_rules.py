"""Every rule on its own: a case that all of them like, spoilt in one way at a time."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import msgspec
import pytest

from mesh.kalshi.fees import FeeTerms
from mesh.kalshi.sides import Action
from mesh.kalshi.terms import FeeType, TimeInForce
from mesh.types import Micros, Side
from tests.fakes.trading import NOON, TICKER, book, cents, contracts, market, moment, signal
from trader.domain.entering import enter
from trader.domain.entries import AnyEntry, CashSeen, Decided, OrderIntended
from trader.domain.events import BookCame, BooksLost, Compared, Event, ExchangeSeen, MarketSeen, ScanBegan, SignalCame
from trader.domain.facts import TRADER, Block, ExitPlan, Finding, MarketTerms, OrderTerms, SignalFacts
from trader.domain.fold import apply
from trader.domain.rules import ALWAYS, check_off, known_rules
from trader.domain.settings import Settings
from trader.domain.state import Books, Exit, Order, Position, State
from trader.domain.views import HeldView, Snapshot
from trader.domain.watching import see
from trader.domain.words import BlockKind, Confidence, ExchangeState, ExitKind, OrderState, Purpose, Verdict

NAMES = (
    "side",
    "confidence",
    "magnitude",
    "price",
    "spread",
    "close_time",
    "stop_distance",
    "edge",
    "trades_per_series_per_scan",
    "contracts_per_market",
    "size",
    "series_exposure",
    "event_exposure",
    "total_exposure",
    "settlement_exposure",
    "cash",
    "forecast_age",
    "book_age",
    "pause",
    "cooldown",
    "stop_guard",
    "exit_liveness",
    "open_order",
    "block",
)
SIBLING, COUSIN, STRANGER = "KXHIGHNY-26NOV23-T70", "KXHIGHNY-26NOV24-T60", "KXETH-26NOV2317-B1"


class Trial:
    """A state in which everything is right, a signal that everything likes, and what a test changes of it."""

    def __init__(self) -> None:
        self.state = State(Books("journal-1"), Settings())
        self.signal = signal()
        self.market = market()
        self.seconds = 5.0
        self.see(ExchangeSeen(ExchangeState.OPEN))
        self.see(BookCame(book()))
        self.write(CashSeen(cash=Micros(100_000_000)))

    def see(self, event: Event, seconds: float = 0.0) -> None:
        see(self.state.watch, event, moment(seconds))

    def write(self, entry: AnyEntry) -> None:
        apply(self.state.books, self.state.books.sequence + 1, NOON, entry)

    def set(self, table: str, **values: object) -> None:
        tables = self.state.settings.model_dump()
        self.state.settings = Settings.model_validate(tables | {table: tables[table] | values})

    def hold(self, where: MarketTerms, dollars: float, count: float = 5) -> Position:
        books, name = self.state.books, f"p-{where.ticker}"
        position = Position(
            name, where, Side.NO, None, None, ExitPlan(), contracts(count), Micros(round(dollars * 1e6))
        )
        books.positions[name] = position
        books.by_ticker.setdefault(where.ticker, set()).add(name)
        self.state.watch.exit_pass = moment(self.seconds).seconds
        return position

    def order(self, state: OrderState, purpose: Purpose, ticker: str = TICKER) -> Order:
        """Make an order that puts next to nothing at risk."""
        terms = OrderTerms(
            client_order_id="order-1",
            decision_id="d-other",
            leg=0,
            position_id="p-other",
            ticker=ticker,
            event_ticker="",
            series_ticker="",
            side=Side.NO,
            action=Action.BUY if purpose is Purpose.ENTRY else Action.SELL,
            purpose=purpose,
            limit=cents(1),
            count=contracts(0.01),
            time_in_force=TimeInForce.GOOD_TILL_CANCELED,
        )
        self.write(OrderIntended(order=terms))
        self.state.books.orders["order-1"].state = state
        return self.state.books.orders["order-1"]

    def block(self, kind: BlockKind = BlockKind.PAUSE, **scope: str) -> None:
        block = Block(block_id="b-1", kind=kind, actor=TRADER, why="lunch", since=NOON, **scope)  # type: ignore[arg-type]  # tickers
        self.state.books.blocks["b-1"] = block

    def decide(self) -> Decided:
        event = SignalCame("scan-1", self.market, self.signal, b"")
        self.see(event, self.seconds)
        decided = enter(self.state, event, moment(self.seconds))[0]
        assert isinstance(decided, Decided)
        return decided

    def finding(self, rule: str) -> Finding:
        return next(finding for finding in self.decide().findings if finding.rule == rule)


def refused(decided: Decided) -> list[str]:
    return [finding.rule for finding in decided.findings if finding.verdict is Verdict.REFUSED]


def change(**values: object) -> Callable[[Trial], object]:
    def spoil(trial: Trial) -> None:
        trial.signal = msgspec.structs.replace(trial.signal, **values)

    return spoil


def set_to(table: str, **values: object) -> Callable[[Trial], object]:
    return lambda trial: trial.set(table, **values)


def yes(trial: Trial) -> None:
    trial.see(BookCame(book(no_bids=[(44, 100)], no_asks=[(46, 100)])))
    trial.signal = signal(side=Side.YES, current=55)


def wide(trial: Trial) -> None:
    trial.see(BookCame(book(no_bids=[(44, 100)])))
    trial.signal = signal(stop_loss_cents=13.0, forecast_mean_cents=22.0)


def at_a_limit_before(trial: Trial, ticker: str, dollars: float, **sizes: float) -> None:
    trial.set("sizes", **sizes)
    trial.hold(market(ticker), dollars)


def stopped_here(trial: Trial) -> None:
    trial.state.books.stopped[TICKER] = moment(-1790).now


def stops_in_the_series(*seconds: float) -> Callable[[Trial], object]:
    def spoil(trial: Trial) -> None:
        stops = trial.state.books.stops.setdefault("KXHIGHNY", [])
        stops.extend(moment(second).now for second in seconds)

    return spoil


def pause_without_a_stop(trial: Trial) -> None:
    trial.see(ExchangeSeen(ExchangeState.OPEN, None, ((moment(60).now, moment(70).now),)))
    trial.set("exits", stop_loss=False)


def silent_exits(trial: Trial) -> None:
    trial.hold(market(STRANGER), 1)
    trial.state.watch.exit_pass = moment(trial.seconds - 31).seconds


def account_holds(ticker: str, net: float) -> Callable[[Trial], object]:
    """Let the account hold contracts, positive YES, that are not the trader's."""
    held = HeldView(ticker, contracts(net), Micros(0), Micros(0), Micros(0))
    shot = Snapshot(NOON, moment().seconds, (), NOON, (), (held,), (), Micros(100_000_000))
    return lambda trial: trial.see(Compared(shot))


def being_sold(trial: Trial) -> None:
    trial.hold(market(), 1).exit = Exit("x", ExitKind.STOP_LOSS, TRADER, None, None, NOON)


VIOLATIONS: Mapping[str, tuple[str, Callable[[Trial], object]]] = {
    "a forecast that YES rises": ("side", yes),
    "low confidence": ("confidence", change(confidence=Confidence.LOW)),
    "a small move": ("magnitude", change(magnitude_cents=4.99)),
    "an ask above the highest price": ("price", set_to("rules", max_price_cents=55.0)),
    "an ask below the lowest price": ("price", set_to("rules", min_price_cents=57.0)),
    "a wide spread": ("spread", wide),
    "a close at hand": ("close_time", lambda trial: setattr(trial, "market", market(closes=timedelta(seconds=904)))),
    "a stop within the spread": ("stop_distance", change(stop_loss_cents=2.0)),
    "a move that the costs eat": ("edge", change(forecast_mean_cents=38.0)),
    "a forecast without a mean": ("edge", change(forecast_mean_cents=float("nan"))),
    "enough of the series in this scan": (
        "trades_per_series_per_scan",
        lambda trial: trial.state.books.scan_entries.update(KXHIGHNY=3),
    ),
    "enough of the market": (
        "contracts_per_market",
        lambda trial: at_a_limit_before(trial, TICKER, 1, max_contracts_per_market=5.0),
    ),
    "too little money for one contract": ("size", set_to("sizes", dollars_per_trade=0.6)),
    "enough of the series": (
        "series_exposure",
        lambda trial: at_a_limit_before(trial, COUSIN, 2.5, max_series_dollars=3),
    ),
    "enough of the event": (
        "event_exposure",
        lambda trial: at_a_limit_before(trial, SIBLING, 2.5, max_event_dollars=3),
    ),
    "enough in all": ("total_exposure", lambda trial: at_a_limit_before(trial, STRANGER, 2.5, max_total_dollars=3)),
    "enough that settles with it": (
        "settlement_exposure",
        lambda trial: at_a_limit_before(
            trial,
            STRANGER,
            2.5,
            max_settlement_dollars=3,
            underlyings={"KXETH": "X", "KXHIGHNY": "X"},  # type: ignore[arg-type]  # a table
        ),
    ),
    "no cash": ("cash", lambda trial: trial.write(CashSeen(cash=Micros(590_000)))),
    "cash that is left alone": ("cash", set_to("sizes", min_cash_dollars=99.5)),
    "unknown cash": ("cash", lambda trial: setattr(trial.state.books, "cash_anchor", None)),
    "a forecast past its own time": ("forecast_age", change(useful_until=moment(5).now)),
    "an old book": ("book_age", lambda trial: setattr(trial, "seconds", 10.5)),
    "a book that may have changed unseen": ("book_age", lambda trial: trial.see(BooksLost(None))),
    "a paused exchange": ("pause", lambda trial: trial.see(ExchangeSeen(ExchangeState.TRADING_PAUSED))),
    "an exchange of unknown state": ("pause", lambda trial: setattr(trial.state.watch, "exchange", None)),
    "a halted market": ("pause", lambda trial: trial.see(MarketSeen(market(), trading=False))),
    "a pause that comes soon": (
        "pause",
        lambda trial: trial.see(ExchangeSeen(ExchangeState.OPEN, None, ((moment(604).now, moment(7804).now),))),
    ),
    "a pause that should be on": (
        "pause",
        lambda trial: trial.see(ExchangeSeen(ExchangeState.OPEN, None, ((moment(-60).now, moment(60).now),))),
    ),
    "a stop that sold here": ("cooldown", stopped_here),
    "stops in a row": ("stop_guard", stops_in_the_series(-7000, -50, -40, -30)),
    "stops in a row of which the first are over": ("stop_guard", stops_in_the_series(-7300, -7250, -200, -150)),
    "an exit loop that is silent": ("exit_liveness", silent_exits),
    "an entry that works": ("open_order", lambda trial: trial.order(OrderState.RESTING, Purpose.ENTRY)),
    "an entry of unknown outcome": ("open_order", lambda trial: trial.order(OrderState.UNKNOWN, Purpose.ENTRY)),
    "an exit of unknown outcome": ("open_order", lambda trial: trial.order(OrderState.UNKNOWN, Purpose.EXIT)),
    "a position that is being sold": ("open_order", being_sold),
    "contracts of YES that somebody else bought": ("open_order", account_holds(TICKER, 0.01)),
    "a block on everything": ("block", lambda trial: trial.block()),
    "a block on the series": ("block", lambda trial: trial.block(series_ticker="KXHIGHNY")),
    "a block on the event": ("block", lambda trial: trial.block(event_ticker="KXHIGHNY-26NOV23")),
    "a block on the market": ("block", lambda trial: trial.block(market_ticker=TICKER)),
    "a trader that stops": ("block", lambda trial: setattr(trial.state.watch, "stopping", True)),
}

ALLOWED: Mapping[str, Callable[[Trial], object]] = {
    "nothing is wrong": lambda trial: None,
    "the confidence is just enough": change(confidence=Confidence.MEDIUM),
    "the move is just enough": change(magnitude_cents=5.0),
    "the price is at the bound": set_to("rules", min_price_cents=56.0, max_price_cents=56.5),
    "the spread is just narrow enough": set_to("rules", max_spread_cents=2.0),
    "the market closes just late enough": lambda trial: setattr(trial, "market", market(closes=timedelta(seconds=905))),
    "the stop is just outside the spread": change(stop_loss_cents=3.0),
    "there is no stop": change(stop_loss_cents=90.0),
    "it is the last of the series in this scan": lambda trial: trial.state.books.scan_entries.update(KXHIGHNY=2),
    "other series have had theirs": lambda trial: trial.state.books.scan_entries.update(KXETH=9),
    "the book is just young enough": lambda trial: setattr(trial, "seconds", 10.0),
    "the pause is just far enough away": lambda trial: trial.see(
        ExchangeSeen(ExchangeState.OPEN, None, ((moment(605).now, moment(7805).now),))
    ),
    "the pause is over": lambda trial: trial.see(
        ExchangeSeen(ExchangeState.OPEN, None, ((moment(-60).now, moment(5).now),))
    ),
    "the pause could stop no stop": pause_without_a_stop,
    "another market is halted": lambda trial: trial.see(MarketSeen(market(SIBLING), trading=False)),
    "the cooldown is over": lambda trial: trial.state.books.stopped.update({TICKER: moment(-1795).now}),
    "a stop sold elsewhere": lambda trial: trial.state.books.stopped.update({SIBLING: moment(0).now}),
    "one stop less than it takes": stops_in_the_series(-60, -50, -40),
    "the stops in a row are over": stops_in_the_series(-7225, -7215, -7205, -7195 - 0.5),
    "no span of time has so many stops": stops_in_the_series(-13000, -12000, -7000, -100),
    "the exit loop is alive": lambda trial: trial.hold(market(STRANGER), 1),
    "an entry works elsewhere": lambda trial: trial.order(OrderState.UNKNOWN, Purpose.ENTRY, SIBLING),
    "somebody else bought NO here": account_holds(TICKER, -10),
    "somebody else bought YES elsewhere": account_holds(SIBLING, 10),
    "a target rests here": lambda trial: trial.order(OrderState.RESTING, Purpose.EXIT),
    "something else is blocked": lambda trial: trial.block(market_ticker=SIBLING),
}


def test_the_rules_have_their_names_in_their_order() -> None:
    assert known_rules() == NAMES
    assert tuple(finding.rule for finding in Trial().decide().findings) == NAMES


@pytest.mark.parametrize("what", VIOLATIONS)
def test_exactly_one_rule_refuses(what: str) -> None:
    rule, spoil = VIOLATIONS[what]
    trial = Trial()
    spoil(trial)
    decided = trial.decide()
    assert refused(decided) == [rule]
    assert tuple(finding.rule for finding in decided.findings) == NAMES
    assert not decided.entered


@pytest.mark.parametrize("when", ALLOWED)
def test_an_entry_is_allowed_when(when: str) -> None:
    trial = Trial()
    ALLOWED[when](trial)
    decided = trial.decide()
    assert refused(decided) == []
    assert decided.entered


def test_every_rule_is_violated_by_some_case() -> None:
    assert {rule for rule, _ in VIOLATIONS.values()} == set(NAMES)


@pytest.mark.parametrize("what", VIOLATIONS)
def test_a_figure_outside_its_bounds_is_shown_with_them(what: str) -> None:
    rule, spoil = VIOLATIONS[what]
    trial = Trial()
    spoil(trial)
    found = trial.finding(rule)
    bounds = (found.at_least, found.at_most, found.equal_to)
    assert any(bound is not None for bound in bounds)
    assert found.figure is not None or found.detail
    if isinstance(found.figure, int | float) and rule != "forecast_age":
        least, most = (bound for bound in bounds[:2])
        assert (isinstance(least, int | float) and found.figure < least) or (
            isinstance(most, int | float) and found.figure > most
        )


@pytest.mark.parametrize("what", [what for what, (rule, _) in VIOLATIONS.items() if rule not in ALWAYS])
def test_a_rule_that_is_switched_off_is_shown_and_does_not_refuse(what: str) -> None:
    rule, spoil = VIOLATIONS[what]
    trial = Trial()
    spoil(trial)
    shown = trial.finding(rule)
    trial.set("rules", off=(rule,))
    decided = trial.decide()
    assert decided.entered
    found = next(finding for finding in decided.findings if finding.rule == rule)
    assert found.verdict is Verdict.SWITCHED_OFF
    if rule not in {"series_exposure", "event_exposure", "total_exposure", "settlement_exposure"}:
        assert msgspec.structs.replace(found, verdict=Verdict.REFUSED) == shown
    else:  # what is not enforced does not make the order smaller either
        assert isinstance(found.figure, int)
        assert isinstance(found.at_most, int)
        assert found.figure > found.at_most


@pytest.mark.parametrize("what", [what for what, (rule, _) in VIOLATIONS.items() if rule in ALWAYS])
def test_some_rules_refuse_even_where_somebody_wants_them_off(what: str) -> None:
    rule, spoil = VIOLATIONS[what]
    trial = Trial()
    spoil(trial)
    trial.state.settings = trial.state.settings.model_copy(
        update={"rules": trial.state.settings.rules.model_copy(update={"off": (rule,)})}
    )
    assert refused(trial.decide()) == [rule]


def test_without_a_book_nothing_is_planned_and_what_needs_a_price_refuses() -> None:
    trial = Trial()
    trial.state.watch.books.clear()
    decided = trial.decide()
    assert (decided.plan, decided.top) == (None, None)
    needs = {"price", "spread", "stop_distance", "edge", "size", "cash", "book_age"}
    assert set(refused(decided)) == needs | {name for name in NAMES if name.endswith("_exposure")}


def test_with_every_price_rule_off_nothing_is_bought_without_a_price() -> None:
    trial = Trial()
    trial.set("rules", off=tuple(name for name in NAMES if name not in ALWAYS))
    trial.state.watch.books.clear()
    decided = trial.decide()
    assert refused(decided) == ["size", "cash"]
    assert decided.plan is None


def test_with_every_other_rule_off_unknown_cash_still_refuses() -> None:
    trial = Trial()
    trial.set("rules", off=tuple(name for name in NAMES if name not in ALWAYS))
    trial.state.books.cash_anchor = None
    assert refused(trial.decide()) == ["cash"]


def test_where_the_fee_is_not_known_it_says_so_and_nothing_is_bought() -> None:
    trial = Trial()
    trial.market = msgspec.structs.replace(market(), fees=FeeTerms(FeeType.FLAT))
    decided = trial.decide()
    assert {"edge", "size"} <= set(refused(decided))
    assert decided.plan is None
    assert "flat" in trial.finding("size").detail


@pytest.mark.parametrize("field", ["magnitude_cents", "take_profit_cents", "stop_loss_cents", "spread_cents"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_signal_with_a_figure_that_is_none_is_refused(field: str, value: float) -> None:
    trial = Trial()
    trial.set("rules", edge_uncertainty_share=1.0)
    facts: SignalFacts = msgspec.structs.replace(trial.signal, **{field: value})
    trial.signal = facts
    assert refused(trial.decide())


def test_a_book_that_crosses_itself_is_not_bought_on() -> None:
    trial = Trial()
    trial.see(BookCame(book(no_bids=[(57, 10)])))
    assert "spread" in refused(trial.decide())


def test_an_exit_loop_that_never_ran_is_silent() -> None:
    trial = Trial()
    trial.hold(market(STRANGER), 1)
    trial.state.watch.exit_pass = None
    assert refused(trial.decide()) == ["exit_liveness"]


def test_blocks_are_named_with_their_kind() -> None:
    trial = Trial()
    trial.block(BlockKind.PROTECTION)
    found = trial.finding("block")
    assert (found.figure, found.detail) == (1, "b-1 (protection): lunch")


def test_many_blocks_do_not_make_a_text_longer_than_the_contract_takes() -> None:
    trial = Trial()
    for number in range(50):
        trial.state.books.blocks[f"b-{number}"] = Block(
            block_id=f"b-{number}", kind=BlockKind.LINK, actor=TRADER, why="away", since=NOON
        )
    assert len(trial.finding("block").detail) == 400


def test_a_limit_that_is_nearly_reached_makes_the_order_smaller() -> None:
    trial = Trial()
    trial.hold(market(SIBLING), 13)
    decided = trial.decide()
    assert decided.plan is not None
    assert decided.plan.count == contracts(3)
    found = next(finding for finding in decided.findings if finding.rule == "event_exposure")
    assert found.verdict is Verdict.PASSED
    assert found.figure == 13_000_000 + decided.plan.most_cost
    assert found.at_most == 15_000_000


@pytest.mark.parametrize(
    "spoil",
    [
        set_to("sizes", dollars_per_trade=2.0),
        lambda trial: trial.write(CashSeen(cash=Micros(2_000_000))),
        lambda trial: at_a_limit_before(trial, TICKER, 1, max_contracts_per_market=8.5),
        lambda trial: at_a_limit_before(trial, STRANGER, 98),
    ],
)
def test_what_is_left_is_still_bought(spoil: Callable[[Trial], object]) -> None:
    trial = Trial()
    spoil(trial)
    decided = trial.decide()
    assert decided.entered
    assert decided.plan is not None
    assert decided.plan.count == contracts(3)


@pytest.mark.parametrize(("seconds", "rules"), [(300.0, []), (300.1, ["forecast_age"])])
def test_a_signal_is_as_old_as_its_scan_whose_prices_it_was_made_from(seconds: float, rules: list[str]) -> None:
    trial = Trial()
    trial.signal = signal(useful_until=moment(900).now)
    trial.see(ScanBegan("scan-1", ("KXHIGHNY",), 1))
    trial.see(BookCame(book()), seconds)
    trial.seconds = seconds
    assert refused(trial.decide()) == rules


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("edge", "spred"), "no rule 'spred'"),
        (("daily_loss",), "no rule"),
        (("spread", "spread"), "twice"),
        *((((name,), "can not be switched off")) for name in sorted(ALWAYS)),
    ],
)
def test_names_that_can_not_be_switched_off_are_refused(names: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_off(names)


def test_what_makes_an_order_safe_can_not_be_switched_off() -> None:
    assert {"side", "open_order", "block", "exit_liveness", "contracts_per_market", "cash"} < ALWAYS
    check_off(name for name in NAMES if name not in ALWAYS)
