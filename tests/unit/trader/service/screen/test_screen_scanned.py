"""What the last scan made of each market, from the journal's entries alone."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.trading import NOON, market, signal
from trader.domain.entries import AnyEntry, Decided, ScanFinished, ScanStarted, SignalSeen
from trader.domain.facts import TRADER, Finding
from trader.domain.words import ScanOutcome, Verdict
from trader.ports import Recorded
from trader.service.screen.scanned import Scanned
from trader.service.screen.strikes import place

ONE, TWO, THREE = (f"KXHIGHNY-26NOV23-B{strike}" for strike in ("41.5", "43.5", "45.5"))


def seen(*entries: AnyEntry) -> Scanned:
    scanned = Scanned()
    for number, entry in enumerate(entries, 1):
        scanned.see(Recorded(number, NOON + timedelta(seconds=number), entry))
    return scanned


def began(scan: str = "s-1", count: int = 3) -> ScanStarted:
    return ScanStarted(scan_id=scan, series=("KXHIGHNY",), market_count=count)


def came(ticker: str, scan: str = "s-1") -> SignalSeen:
    return SignalSeen(scan_id=scan, ticker=ticker, series_ticker="KXHIGHNY", signal=signal(), wire=b"")


def decided(ticker: str, *refused: str, scan: str | None = "s-1") -> Decided:
    findings = [Finding(rule="side", verdict=Verdict.PASSED, unit="word")]
    findings += [
        Finding(rule=rule, verdict=Verdict.REFUSED, unit="cents", figure=12.0, at_most=10.0) for rule in refused
    ]
    return Decided(
        decision_id=f"d-{ticker}",
        scan_id=scan,
        market=market(ticker),
        side=signal().side,
        actor=TRADER,
        entered=not refused,
        findings=tuple(findings),
        plan=None,
        top=None,
    )


def ended(scan: str, *others: tuple[str, ScanOutcome, str], signals: int = 0, unread: tuple[str, ...] = ()) -> AnyEntry:
    counts = {ScanOutcome.SIGNAL: signals} | {outcome: 0 for _, outcome, _ in others}
    for _, outcome, _ in others:
        counts[outcome] += 1
    return ScanFinished(
        scan_id=scan,
        market_count=signals + len(others),
        counts=counts,
        others=others,
        entered=0,
        seconds=1.0,
        unread=tuple((series, "away") for series in unread),
    )


def test_each_market_of_a_scan_has_its_outcome() -> None:
    flat = (THREE, ScanOutcome.NO_SIGNAL, "too_flat")
    scanned = seen(
        began(), came(ONE), decided(ONE), came(TWO), decided(TWO, "spread", "edge"), ended("s-1", flat, signals=2)
    )
    one, two, three = (scanned.lines[ticker] for ticker in (ONE, TWO, THREE))
    assert (one.outcome, two.outcome, three.outcome) == (
        ScanOutcome.SIGNAL,
        ScanOutcome.SIGNAL,
        ScanOutcome.NO_SIGNAL,
    )
    assert three.reason == "too_flat"
    assert one.signal_time == NOON + timedelta(seconds=2)
    assert one.decision is not None
    assert one.decision.entered
    assert one.decision.refusal is None
    assert two.decision is not None
    assert two.decision.refusal is not None
    assert (two.decision.refusal.rule, two.decision.refusal.figure, two.decision.refusals) == ("spread", 12.0, 2)
    assert two.market == market(TWO)


def test_a_funnel_is_there_once_a_scan_has_ended_and_stays_while_the_next_goes_on() -> None:
    first: list[AnyEntry] = [began(count=1), came(ONE), decided(ONE, "spread"), ended("s-1", signals=1)]
    assert seen(*first[:-1]).funnel is None
    scanned = seen(*first, began("s-2"), came(ONE, "s-2"))
    assert scanned.funnel is not None
    assert (scanned.funnel.markets, scanned.funnel.signals, scanned.funnel.decisions) == (1, 1, 1)
    assert [(step.rule, step.refused_first) for step in scanned.funnel.steps] == [("side", 0), ("spread", 1)]


def test_a_new_signal_waits_for_its_decision() -> None:
    scanned = seen(began(), came(ONE), decided(ONE), ended("s-1", signals=1), began("s-2"), came(ONE, "s-2"))
    line = scanned.lines[ONE]
    assert (line.scan_id, line.decision) == ("s-2", None)
    assert line.market == market(ONE)


def test_what_a_scan_looked_at_no_more_is_gone_unless_it_could_not_be_read() -> None:
    other = ("KXBTC-26NOV23-T98000", ScanOutcome.NO_SIGNAL, "too_flat")
    flat = (THREE, ScanOutcome.NO_SIGNAL, "too_flat")
    first: list[AnyEntry] = [began(), came(ONE), ended("s-1", flat, other, signals=1), began("s-2"), came(ONE, "s-2")]
    assert set(seen(*first, ended("s-2", signals=1)).lines) == {ONE}
    assert set(seen(*first, ended("s-2", signals=1, unread=("KXBTC",))).lines) == {ONE, other[0]}


def test_the_end_of_a_scan_whose_beginning_was_not_seen_gives_no_funnel() -> None:
    scanned = seen(came(ONE), ended("s-1", signals=1))
    assert scanned.funnel is None
    assert set(scanned.lines) == {ONE}


def test_ladders_stand_in_their_order() -> None:
    event = "KXHIGHNY-26NOV23"
    tickers = [f"{event}-{end}" for end in ("T40", "B40.5", "B98.5", "B100.5", "T110", "MIA", "NYC")]
    for given_order in (tickers, tickers[::-1]):
        assert sorted(given_order, key=lambda ticker: place(event, ticker)) == tickers


@given(st.lists(st.from_regex(r"\A[A-Z0-9][A-Z0-9._-]{0,20}\Z"), unique=True))
def test_any_tickers_have_one_order(tickers: list[str]) -> None:
    order = sorted(tickers, key=lambda ticker: place("E", ticker))
    assert sorted(reversed(tickers), key=lambda ticker: place("E", ticker)) == order
