"""What is said of a process that cannot go on: not too often, and whatever works no more."""

import asyncio
from pathlib import Path

import pytest

from mesh.clock import ManualClock
from mesh.errors import Unavailable
from tests.fakes.trading import NOON
from trader.domain.entries import Notified
from trader.domain.words import Mode, Urgency
from trader.notifying import last_word
from trader.notifying.last_word import LastWord

WHY = "JOURNAL_FULL: there is no room left to write it"


class Phone:
    """Takes messages, or hangs, or refuses."""

    def __init__(self) -> None:
        self.heard: list[Notified] = []
        self.hangs = False
        self.fails: Exception | None = None

    async def send(self, notice: Notified) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails is not None:
            raise self.fails
        self.heard.append(notice)


async def test_processes_that_fail_one_after_the_other_say_it_once_in_ten_minutes(tmp_path: Path) -> None:
    phone, clock = Phone(), ManualClock(NOON)
    for _ in range(400):  # started anew every two seconds
        await LastWord(phone, tmp_path / "last_word", Mode.LIVE, clock).say(WHY, 2)
        await clock.advance(2)
    assert len(phone.heard) == 2
    first = phone.heard[0]
    assert first.urgency is Urgency.EMERGENCY
    assert first.text.splitlines()[0] == WHY
    assert "by nobody until it runs again: 2 positions" in first.text


async def test_without_positions_it_wakes_nobody(tmp_path: Path) -> None:
    phone = Phone()
    await LastWord(phone, tmp_path / "last_word", Mode.PAPER, ManualClock(NOON)).say(WHY, 0)
    assert phone.heard[0].urgency is Urgency.HIGH
    assert phone.heard[0].text.endswith("(paper trading)")


async def test_where_nothing_can_be_remembered_only_who_has_lived_says_it() -> None:
    phone, clock = Phone(), ManualClock(NOON)
    said = LastWord(phone, Path("/nowhere/last_word"), Mode.LIVE, clock)
    await said.say(WHY, None)
    assert phone.heard == []
    await clock.advance(60)
    await said.say(WHY, None)
    assert len(phone.heard) == 1
    assert phone.heard[0].urgency is Urgency.EMERGENCY


@pytest.mark.parametrize("fails", [None, Unavailable("nobody answers"), RuntimeError("planted")])
async def test_a_phone_that_does_not_work_holds_up_nothing(
    fails: Exception | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_word, "_SEND_SECONDS", 0.01)
    phone = Phone()
    phone.hangs, phone.fails = fails is None, fails
    await LastWord(phone, tmp_path / "last_word", Mode.LIVE, ManualClock(NOON)).say(WHY, 1)
    assert phone.heard == []
