"""Folding a journal again, and the trade log that is recomputed from it."""

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mesh.kalshi.terms import Result
from mesh.types import Micros, Side
from tests.fakes.trading import NOON, TICKER, cents, contracts
from tests.unit.trader.journal.story import JOURNAL, ended, filled, order, round_trip, started, story, write
from trader.domain.entries import (
    AnyEntry,
    CancelIntended,
    LeftByOthers,
    OrderEnded,
    OrderIntended,
    OrderSent,
    PeakMoved,
    PositionClosed,
    PositionOpened,
    Settled,
    Stopped,
)
from trader.domain.facts import Leg
from trader.domain.state import Books
from trader.domain.words import ExitKind, Mode, Purpose
from trader.journal.errors import DAMAGED, JournalError
from trader.journal.export import export, trades
from trader.journal.reading import reading
from trader.journal.replaying import fingerprint, folded, replay
from trader.journal.store import opened
from trader.ports import Recorded

_TRIP: tuple[AnyEntry, ...] = tuple(entry for _, entries in round_trip(0) for entry in entries)
_ENTRY, _EXIT = order(0, Purpose.ENTRY, price=56, count=5), order(0, Purpose.EXIT, price=76, count=5)
_CLOSED = _TRIP[-1]
assert isinstance(_CLOSED, PositionClosed)


def journal_of(path: Path, entries: Sequence[AnyEntry]) -> Path:
    with opened(path, JOURNAL) as store:
        store.append(NOON, entries)
    return path


def test_a_journal_folds_to_the_same_books_every_time(tmp_path: Path) -> None:
    write(tmp_path / "a.sqlite", trips=3)
    write(tmp_path / "b.sqlite", trips=3)
    with reading(tmp_path / "a.sqlite") as a, reading(tmp_path / "b.sqlite") as b:
        first, second = replay(a, "1"), replay(b, "1")

    books = first.books
    assert first.digest == second.digest
    assert books.sequence == sum(len(entries) for _, entries in story(3))
    assert len(books.trades) == 3
    assert not books.positions
    assert books.total.net == 3 * (3_800_000 - 2_800_000 - 150_200)
    assert list(books.blocks) == ["b-1"]


def test_the_digest_of_books_tells_any_difference_but_not_the_order_of_sets() -> None:
    one, other = Books("j"), Books("j")
    one.fills |= {"a", "b"}
    other.fills |= {"b", "a"}
    assert fingerprint(one) == fingerprint(other)
    other.cash_flow = Micros(1)
    assert fingerprint(one) != fingerprint(other)


def _changed(trade_changes: dict[str, object]) -> AnyEntry:
    assert isinstance(_CLOSED, PositionClosed)
    return PositionClosed(trade=msgspec.structs.replace(_CLOSED.trade, **trade_changes))


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([OrderSent(client_order_id="nobody's")], "nobody's"),
        ([CancelIntended(client_order_id=_ENTRY.client_order_id, why="")], "cannot go from filled"),
        ([OrderIntended(order=_ENTRY)], "was intended before"),
        ([PeakMoved(position_id="p-9", bid=_ENTRY.limit)], "p-9"),
        ([_TRIP[3]], "was opened before"),
        ([filled(_ENTRY, 1, NOON, part=0)], "was counted before"),
        ([OrderIntended(order=_EXIT), filled(_EXIT, 1, NOON)], "which is intended"),
        ([_CLOSED], "while contracts are held"),
    ],
)
def test_an_entry_that_cannot_follow_is_named(tmp_path: Path, entries: Sequence[AnyEntry], words: str) -> None:
    bought = _TRIP[:7]
    path = journal_of(tmp_path / "j.sqlite", [*bought, *entries])

    with reading(path) as reader, pytest.raises(JournalError, match=words) as caught:
        replay(reader, "1")

    assert caught.value.reason == DAMAGED
    assert caught.value.sequence == len(bought) + len(entries)


def test_a_start_in_another_mode_is_named() -> None:
    starts = [Recorded(number, NOON, started(mode)) for number, mode in enumerate((Mode.PAPER, Mode.LIVE), 1)]
    with pytest.raises(JournalError, match="a start in mode live") as caught:
        folded(JOURNAL, starts, audited=True)
    assert caught.value.sequence == 2


@pytest.mark.parametrize(
    "changes",
    [{"cost": Micros(1)}, {"proceeds": Micros(1)}, {"fees": Micros(1)}, {"count": contracts(4)}, {"legs": ()}],
)
def test_a_trade_that_is_not_what_its_fills_come_to_is_named(tmp_path: Path, changes: dict[str, object]) -> None:
    path = journal_of(tmp_path / "j.sqlite", [*_TRIP[:-1], _changed(changes)])

    with reading(path) as reader, pytest.raises(JournalError, match="not what its fills come to") as caught:
        replay(reader, "1")

    assert caught.value.sequence == len(_TRIP)


def test_a_position_is_not_settled_twice(tmp_path: Path) -> None:
    paid = Settled(
        position_id="p-0",
        ticker=TICKER,
        side=Side.NO,
        count=contracts(2),
        result=Result.NO,
        yes_value=Micros(0),
        revenue=Micros(2_000_000),
        time=NOON,
    )
    with (
        reading(journal_of(tmp_path / "j.sqlite", [*_TRIP[:7], paid, paid])) as reader,
        pytest.raises(JournalError, match="was settled before"),
    ):
        replay(reader, "1")


def test_odd_things_that_the_exchange_does_are_folded_and_do_not_stop_a_trader_from_starting(tmp_path: Path) -> None:
    more: list[AnyEntry] = [OrderIntended(order=_EXIT), OrderSent(client_order_id=_EXIT.client_order_id)]
    beyond = filled(_EXIT, 1, NOON, count=contracts(9))
    path = journal_of(tmp_path / "j.sqlite", [*_TRIP[:7], *more, beyond])
    with reading(path) as reader:
        assert replay(reader, "1").books.sequence == 10


def test_a_position_is_not_closed_while_an_order_of_it_works(tmp_path: Path) -> None:
    unended = [entry for entry in _TRIP if not (isinstance(entry, OrderEnded) and entry == ended(_EXIT))]
    path = journal_of(tmp_path / "j.sqlite", unended)

    with reading(path) as reader, pytest.raises(JournalError, match="while an order of it works"):
        replay(reader, "1")


def test_each_day_has_a_log_of_the_trades_that_closed_on_it(tmp_path: Path) -> None:
    write(tmp_path / "j.sqlite", trips=3)
    with reading(tmp_path / "j.sqlite") as reader:
        files = export(reader, tmp_path / "log")
        again = export(reader, tmp_path / "log")

    assert [(path.name, count) for path, count in files] == [
        ("trades_2026-11-23.json", 1),
        ("trades_2026-11-24.json", 2),
    ]
    assert again == files
    assert sorted(path.name for path in (tmp_path / "log").iterdir()) == [path.name for path, _ in files]
    (trade,) = json.loads(files[0][0].read_text(), parse_float=Decimal)
    assert trade == {
        "ticker": TICKER,
        "event": "KXHIGHNY-26NOV23",
        "series": "KXHIGHNY",
        "side": "no",
        "contracts": Decimal("5.00"),
        "entry_price_cents": Decimal("56.0000"),
        "exit_price_cents": Decimal("76.0000"),
        "take_profit_cents": Decimal("76.0000"),
        "stop_loss_cents": Decimal("48.0000"),
        "exit": "take_profit",
        "cost_dollars": Decimal("2.800000"),
        "proceeds_dollars": Decimal("3.800000"),
        "fees_dollars": Decimal("0.150200"),
        "pnl_dollars": Decimal("0.849800"),
        "open_time": "2026-11-23T12:00:00Z",
        "close_time": "2026-11-23T12:09:00Z",
        "legs": [
            {
                "exit": "take_profit",
                "contracts": Decimal("5.00"),
                "price_cents": Decimal("76.0000"),
                "fees_dollars": Decimal("0.063900"),
                "trigger_cents": Decimal("76.0000"),
                "time": "2026-11-23T12:09:00Z",
            }
        ],
        "position_id": "p-0",
        "decision_id": f"d-{TICKER}",
        "sequence": 7 + len(_TRIP),
    }


def test_the_logs_add_up_to_what_the_books_say_to_the_micro(tmp_path: Path) -> None:
    write(tmp_path / "j.sqlite", trips=5)
    with reading(tmp_path / "j.sqlite") as reader:
        books = folded(JOURNAL, reader.read())
        files = export(reader, tmp_path)

    rows = [row for path, _ in files for row in json.loads(path.read_text(), parse_float=Decimal)]
    assert sum(row["pnl_dollars"] for row in rows) == Decimal(books.total.net).scaleb(-6)
    assert sum(row["fees_dollars"] for row in rows) == Decimal(books.total.fees).scaleb(-6)
    for row in rows:
        assert row["pnl_dollars"] == row["proceeds_dollars"] - row["cost_dollars"] - row["fees_dollars"]


def test_one_day_is_written_alone_also_where_nothing_closed(tmp_path: Path) -> None:
    write(tmp_path / "j.sqlite", trips=3)
    with reading(tmp_path / "j.sqlite") as reader:
        assert export(reader, tmp_path / "log", date(2026, 11, 24)) == [(tmp_path / "log/trades_2026-11-24.json", 2)]
        ((path, count),) = export(reader, tmp_path / "log", date(2026, 11, 25))

    assert (count, json.loads(path.read_text())) == (0, [])
    assert not (tmp_path / "log" / "trades_2026-11-23.json").exists()


def test_a_plan_that_holds_to_settlement_has_no_target_in_the_log(tmp_path: Path) -> None:
    entries = list(_TRIP)
    opening = entries[3]
    assert isinstance(opening, PositionOpened)
    entries[3] = msgspec.structs.replace(opening, plan=msgspec.structs.replace(opening.plan, take_profit=None))
    with reading(journal_of(tmp_path / "j.sqlite", entries)) as reader:
        (trade,) = trades(reader)

    assert trade.take_profit_cents is None
    assert trade.stop_loss_cents == 48


def test_an_average_price_is_rounded_and_the_amounts_beside_it_are_not(tmp_path: Path) -> None:
    bought = order(0, Purpose.ENTRY, price=56, count=3)
    first = filled(bought, 0, NOON, count=contracts(1))
    dearer = msgspec.structs.replace(filled(bought, 0, NOON, part=1).fill, price=cents(57), count=contracts(2))
    gone = LeftByOthers(position_id="p-0", count=contracts(3), proceeds=Micros(1_000_000), fees=Micros(1), time=NOON)
    leg = Leg(
        kind=ExitKind.FOREIGN,
        client_order_id=None,
        count=contracts(3),
        proceeds=Micros(1_000_000),
        fees=Micros(1),
        trigger=None,
        time=NOON,
    )
    trade = {"count": contracts(3), "cost": Micros(1_700_000), "proceeds": Micros(1_000_000), "fees": Micros(1)}
    entries: list[AnyEntry] = [
        OrderIntended(order=bought),
        OrderSent(client_order_id=bought.client_order_id),
        _TRIP[3],
        first,
        msgspec.structs.replace(first, fill=dearer),
        ended(bought),
        gone,
        _changed({**trade, "legs": (leg,), "exit_kind": ExitKind.FOREIGN}),
    ]
    with reading(journal_of(tmp_path / "j.sqlite", entries)) as reader:
        (logged,) = trades(reader)

    assert logged.entry_price_cents == Decimal("56.6667")
    assert logged.exit_price_cents == Decimal("33.3333")
    assert logged.cost_dollars == Decimal("1.7")
    assert logged.pnl_dollars == Decimal("-0.700001")
    assert logged.legs[0].trigger_cents is None


def test_a_log_that_cannot_be_written_is_an_error_with_its_name(tmp_path: Path) -> None:
    write(tmp_path / "j.sqlite")
    (tmp_path / "log").write_text("")
    with reading(tmp_path / "j.sqlite") as reader, pytest.raises(JournalError, match="log"):
        export(reader, tmp_path / "log")


def test_a_broken_journal_is_not_exported(tmp_path: Path) -> None:
    path = journal_of(tmp_path / "j.sqlite", [*_TRIP, Stopped(run_id="r"), OrderSent(client_order_id="nobody's")])
    with reading(path) as reader, pytest.raises(JournalError):
        export(reader, tmp_path / "log")
    assert not (tmp_path / "log").exists()
