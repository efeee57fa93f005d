"""An action is sent at most once, whatever comes; and what became of it is never said to be more than is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.view.action import GUARD_SECONDS, PREVIEW_SECONDS, Action, Stage

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["send", "done", "refused", "away", "unanswered", "expire", "ask"]),
        st.floats(0, 2 * PREVIEW_SECONDS, allow_nan=False),
    ),
    max_size=30,
)


def action() -> Action:
    return Action("r-1", "sell", 100.0)


@given(EVENTS)
def test_no_sequence_of_events_sends_twice(events: list[tuple[str, float]]) -> None:
    wish, sent, lost = action(), 0, False
    for kind, after in events:
        now = 100.0 + after
        match kind:
            case "send":
                allowed = wish.stage is Stage.PREVIEWED and GUARD_SECONDS <= now - 100.0 < PREVIEW_SECONDS
                assert wish.send(now) is allowed
                sent += allowed
            case "done" | "refused":
                wish.answered("said", refused=kind == "refused")
                lost = False
            case "away":
                wish.turned_away("said")
            case "unanswered":
                lost = lost or wish.stage is Stage.SENT
                wish.unanswered()
            case "expire":
                wish.expire(now)
            case _:
                assert not wish.asks_again(now) or wish.stage is Stage.UNKNOWN
        assert sent <= 1
        assert not lost or wish.stage is Stage.UNKNOWN  # until the trader itself says what it did
        assert sent == 1 or wish.stage in {Stage.PREVIEWED, Stage.EXPIRED}
        assert (wish.sent_at is None) == (sent == 0)


@pytest.mark.parametrize(("after", "sent"), [(0.0, False), (0.29, False), (0.31, True), (14.9, True), (15.0, False)])
def test_it_is_sent_neither_by_a_slip_nor_on_an_old_look(after: float, sent: bool) -> None:
    wish = action()
    assert wish.send(100.0 + after) is sent
    assert (wish.stage is Stage.EXPIRED) is (after >= 15.0)


def test_a_lost_answer_may_still_come() -> None:
    wish = action()
    assert wish.send(101.0)
    wish.unanswered()
    assert wish.stage is Stage.UNKNOWN
    assert wish.asks_again(102.0)
    assert not wish.asks_again(115.0)
    wish.answered("sold", refused=False)
    assert (wish.stage, wish.said) == (Stage.ACCEPTED, "sold")
    wish.unanswered()
    wish.answered("not sold", refused=True)
    assert (wish.stage, wish.said) == (Stage.ACCEPTED, "sold")
