"""What a person wishes from the terminal, on a real service: sent once, after a look, and never by a slip."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from foremesh.trader.v1 import trader_service_pb2 as pb
from textual.pilot import Pilot

from console.desk.app import Desk
from console.desk.calls import Answer, Request, TraderCalls, acts
from console.desk.dialog import Confirm
from console.desk.faces import ListFace, MarketFace
from console.desk.feed import feed
from console.desk.lines import Lines
from console.desk.picture import Picture
from mesh.errors import Denied, Unavailable
from mesh.rpc.config import ClientConfig
from tests.conftest import Certificates
from tests.fakes.desks import desk_of, plain, status, until
from tests.fakes.trading import TICKER, market
from tests.unit.trader.engine.rig import Rig
from tests.unit.trader.service.served import Served, served

OTHER = "KXHIGHNY-26NOV23-T61"


class Counted(TraderCalls):
    """Calls of a real trader, counted; its answers can be lost after they were made."""

    def __init__(self, config: ClientConfig) -> None:
        super().__init__(config)
        self.sent: list[str] = []
        self.losing = 0
        self.barred = False

    async def do(self, request: Request) -> Answer:
        self.sent.append(request.request_id)
        if self.barred:
            raise Denied("the certificate is no good any more")
        answer = await super().do(request)
        if self.losing:
            self.losing -= 1
            raise Unavailable("the answer was lost")
        return answer


class Clock:
    """A clock that can be made to stand."""

    def __init__(self) -> None:
        self._stands_at: float | None = None

    def stand(self) -> None:
        self._stands_at = time.monotonic()

    def go_on(self) -> None:
        self._stands_at = None

    def __call__(self) -> float:
        return time.monotonic() if self._stands_at is None else self._stands_at


class Seat:
    """A desk before a real trader."""

    def __init__(self, trader: Served, desk: Desk, pilot: Pilot[Any], calls: Counted) -> None:
        self.trader, self.desk, self.pilot, self.calls = trader, desk, pilot, calls

    async def press(self, *keys: str) -> None:
        """Press keys with so much time between them that none is taken for a slip."""
        for key in keys:
            await self.pilot.press(key)
            await asyncio.sleep(0.35)

    @property
    def working(self) -> str:
        return str(self.desk.screen_stack[0].query_one("#working").render())

    @property
    def sold(self) -> int:
        """Orders to sell that reached the exchange."""
        orders = self.trader.engine.state.books.orders.values()
        return sum(order.terms.exit_kind is not None for order in orders)


@asynccontextmanager
async def seat(*held: str, may_act: bool = True, clock: Callable[[], float] = time.monotonic) -> AsyncIterator[Seat]:
    rig = Rig(markets=[market(ticker, closes=timedelta(days=2)) for ticker in (TICKER, OTHER)])
    async with served(rig) as trader:
        config = ClientConfig(targets=(trader.server.addresses[0],))
        calls = Counted(config)
        desk = desk_of(
            lambda tell, away: feed(config, 20.0, tell, away), calls=calls, hz=20.0, acts=may_act, clock=clock
        )
        async with desk.run_test(size=(120, 40)) as pilot:
            await until(lambda: desk.known.status is not None)
            if held:
                await trader.enter(*held)
            await until(lambda: len(desk.known.positions) == len(held) and bool(desk.known.rows or not held))
            await until(lambda: len(plain(desk, "positions")) == len(held))
            yield Seat(trader, desk, pilot, calls)


async def test_a_position_is_sold_by_two_keys_and_once() -> None:
    async with seat(TICKER) as at:
        await at.press("4", "x")
        assert isinstance(at.desk.screen, Confirm)
        question = str(at.desk.screen.query_one("#question").render())
        assert "[PAPER]" in question
        assert "if sold now, net" in question
        await at.press("y", "y", "y")
        await until(lambda: "ACCEPTED" in at.working)
        assert len(at.calls.sent) == 1
        for _ in range(20):
            await at.trader.rig.clock.advance(0.5)
        assert at.sold == 1
        await until(lambda: plain(at.desk, "positions") == [])


@pytest.mark.parametrize(
    "keys", [["x", "enter"], ["x", "escape", "y"], ["x", "n", "x"], ["F", "enter"], ["F", "F", "L"]]
)
async def test_other_keys_do_nothing(keys: list[str]) -> None:
    async with seat(TICKER) as at:
        await at.press("4", *keys)
        assert at.calls.sent == []
        assert at.sold == 0


async def test_a_key_that_comes_at_once_was_meant_for_something_else() -> None:
    clock = Clock()
    async with seat(TICKER, clock=clock) as at:
        await at.press("4")
        clock.stand()
        await at.press("x", "y", "y")
        assert at.calls.sent == []
        assert isinstance(at.desk.screen, Confirm)
        clock.go_on()
        await at.press("y")
        await until(lambda: len(at.calls.sent) == 1)


async def test_everything_is_sold_by_a_word() -> None:
    async with seat(TICKER, OTHER) as at:
        await at.press("F", *"FLAT", "enter")
        await until(lambda: "ACCEPTED" in at.working)
        assert len(at.calls.sent) == 1
        await until(lambda: "FLATTEN" in status(at.desk).upper())
        for _ in range(20):
            await at.trader.rig.clock.advance(0.5)
        await until(lambda: plain(at.desk, "positions") == [])


async def test_entries_are_stopped_at_once_and_taken_again_after_a_question() -> None:
    async with seat() as at:
        await at.press("p")
        await until(lambda: "PAUSED" in status(at.desk))
        await at.press("r", "y")
        await until(lambda: "RUNNING" in status(at.desk))
        assert len(set(at.calls.sent)) == len(at.calls.sent) == 2


async def test_a_lost_answer_is_not_called_a_failure_and_the_wish_is_carried_out_once() -> None:
    async with seat(TICKER) as at:
        at.calls.losing = 2
        await at.press("4", "x", "y")
        await until(lambda: "OUTCOME NOT KNOWN" in at.working)
        assert at.calls.sent[0] in at.working
        await until(lambda: "ACCEPTED" in at.working)
        assert len(set(at.calls.sent)) == 1
        for _ in range(20):
            await at.trader.rig.clock.advance(0.5)
        assert at.sold == 1


async def test_who_is_turned_away_after_a_lost_answer_knows_no_more_than_before() -> None:
    async with seat(TICKER) as at:
        at.calls.losing = 1
        await at.press("4", "x", "y")
        at.calls.barred = True
        await until(lambda: "no good" in at.working)
        assert "OUTCOME NOT KNOWN" in at.working
        assert "REFUSED" not in at.working
        assert len(set(at.calls.sent)) == 1
        for _ in range(20):
            await at.trader.rig.clock.advance(0.5)
        assert at.sold == 1
        await at.pilot.press("q")
        await until(lambda: not at.desk.is_running)
        assert at.calls.sent[0] in (at.desk.return_value or "")


async def test_who_is_turned_away_at_once_is_told_so() -> None:
    async with seat(TICKER) as at:
        at.calls.barred = True
        await at.press("4", "x", "y")
        await until(lambda: "the certificate is no good" in at.working)
        assert "REFUSED" in at.working
        assert at.sold == 0


async def test_a_sale_that_the_trader_refuses_is_not_called_accepted() -> None:
    async with seat(TICKER) as at:
        at.trader.engine.state.watch.halted.add(TICKER)
        await at.press("4", "x", "y")
        await until(lambda: "NOT SOLD" in at.working)
        assert "REFUSED" in at.working
        assert "ACCEPTED" not in at.working


async def test_keys_that_come_in_one_go_end_a_question_once() -> None:
    async with seat(TICKER) as at:
        await at.press("4", "x")
        await asyncio.gather(*(at.pilot.press(key) for key in ("y", "y", "escape", "y")))
        await until(lambda: "ACCEPTED" in at.working)
        assert len(at.calls.sent) == 1


async def test_a_key_that_repeats_itself_stops_entries_once() -> None:
    async with seat() as at:
        for _ in range(8):
            await at.pilot.press("p")
        await until(lambda: "PAUSED" in status(at.desk))
        assert len(at.calls.sent) == 1


async def test_a_refusal_is_said() -> None:
    async with seat(TICKER) as at:
        await at.trader.engine.stop(1.0)
        await at.press("p")
        await until(lambda: "pause entries" in at.working)
        assert "ACCEPTED" not in at.working


async def test_without_a_link_nothing_is_sent() -> None:
    async with seat(TICKER) as at:
        at.desk.workers.cancel_group(at.desk, "listen")
        at.desk.known.lost()
        await at.press("4", "x", "p", "F")
        assert at.calls.sent == []
        assert not isinstance(at.desk.screen, Confirm)


async def test_who_may_only_look_is_offered_nothing_else() -> None:
    async with seat(TICKER, may_act=False) as at:
        await at.press("4", "x", "p", "F", "r")
        assert at.calls.sent == []
        assert not isinstance(at.desk.screen, Confirm)
        shown = {binding.binding.action for binding in at.desk.active_bindings.values() if binding.enabled}
        assert not shown & {"exit", "pause", "flatten", "resume"}
        assert "market" in shown


@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_it_looks_and_acts_by_its_certificate(role: str, certificates: Certificates) -> None:
    rig = Rig(markets=[market(TICKER, closes=timedelta(days=2))])
    async with served(rig, tls=certificates.server()) as trader:
        config = certificates.client(trader.server.addresses[0], role)
        calls = Counted(config)
        desk = desk_of(lambda tell, away: feed(config, 20.0, tell, away), calls=calls, hz=20.0, acts=acts(config))
        async with desk.run_test(size=(120, 40)) as pilot:
            await until(lambda: "RUNNING" in status(desk))
            await trader.enter(TICKER)
            await until(lambda: "ENTERED" in " ".join(plain(desk, "why")))
            await pilot.press("p")
            if role == "operator":
                await until(lambda: "PAUSED" in status(desk))
            else:
                await pilot.pause(0.3)
                assert calls.sent == []
                with pytest.raises(Denied):
                    await calls.do(pb.PauseTradingRequest(request_id="r-1"))


async def test_the_market_under_the_cursor_is_drawn_with_every_rule() -> None:
    async with seat(TICKER) as at:
        await until(lambda: "ENTERED" in " ".join(plain(at.desk, "why")))
        assert any("✓" in line for line in plain(at.desk, "why"))
        picture = at.desk.query_one("#chart", Picture)
        assert picture.drawn == TICKER
        await at.press("enter")
        assert isinstance(at.desk.screen, MarketFace)
        await until(lambda: any("bid" in line.plain for line in at.desk.screen.query_one("#ladder", Lines).lines))
        await at.press("escape")
        at.desk.known.lost()
        at.desk.redraw()
        assert picture.drawn == ""


async def test_what_was_decided_is_followed_through() -> None:
    async with seat(TICKER) as at:
        await at.press("4", "t")
        assert isinstance(at.desk.screen, ListFace)
        found = at.desk.screen.query_one("#found", Lines)
        await until(lambda: len(found.lines) > 2)
        said = " ".join(line.plain for line in found.lines)
        assert "signal" in said
        assert "ENTER" in said
        assert "fill" in said


async def test_a_filter_shows_what_matches_and_esc_shows_all() -> None:
    async with seat(TICKER, OTHER) as at:
        assert len(plain(at.desk, "markets")) == 2
        await at.press("slash", *"t61")
        assert [line.split()[0] for line in plain(at.desk, "markets")] == [OTHER.removeprefix("KX")]
        assert "1 of 2" in str(at.desk.query_one("#markets", Lines).border_title)
        await at.press("escape")
        assert len(plain(at.desk, "markets")) == 2


async def test_a_command_opens_a_market_or_a_panel_or_says_that_it_is_none() -> None:
    async with seat(TICKER, OTHER) as at:
        await at.press("colon", *"ny t61", "enter")
        assert isinstance(at.desk.screen, MarketFace)
        await at.press("escape")
        assert at.desk.query_one("#markets", Lines).at == OTHER
        await at.press("colon", *"fun", "enter")
        assert at.desk.focused is not None
        assert at.desk.focused.id == "funnel"
        await at.press("colon", *"zzz", "enter")
        assert any("neither a code nor a market" in note.message for note in at.desk._notifications)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_faces_fill_the_screen_and_the_status_goes_on(size: tuple[int, int]) -> None:
    desk = desk_of(_silent)
    async with desk.run_test(size=size) as pilot:
        for key in ("m", "g", "question_mark", "enter"):
            await pilot.press(key)
            await pilot.pause(0.2)
            assert len(desk.screen_stack) == 2
            assert desk.screen.query_one(".status").region.y == 0
            assert desk.screen.max_scroll_y == 0
            await pilot.press("escape")
        assert len(desk.screen_stack) == 1


async def _silent(_tell: Any, _away: Any) -> None:
    await asyncio.Event().wait()
