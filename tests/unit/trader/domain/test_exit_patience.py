"""Sellers are persistent, and yet do not fill the journal with orders that get nothing from the same bid."""

from tests.unit.trader.domain.test_guarding import Held, sales
from trader.domain.events import Tick


def tries(desk: Held, *, until: float, sold: float = 0, bids: tuple[float, ...] = (46,)) -> list[float]:
    """Let each order sell so much, show these bids in turn every second, and give the seconds at which it was tried."""
    wanted, found = [desk.stop()], list[float]()
    for second in range(25, int(until)):
        for order in wanted:
            found.append(second)
            desk.sold(order, sold, 46, second)
        wanted = sales(desk.see(bids[second % len(bids)], second + 1)) + sales(desk.tell(Tick(), second + 1))
    return found


def test_each_try_that_gets_nothing_from_the_same_bid_is_followed_by_a_longer_wait_up_to_half_a_minute() -> None:
    assert tries(Held(), until=180) == [25, 27, 31, 39, 55, 87, 119, 151]


def test_another_bid_is_tried_as_soon_as_the_usual_wait_is_over() -> None:
    assert tries(Held(), until=35, bids=(46, 45, 44)) == [25, 27, 29, 31, 33]


def test_what_sells_a_little_goes_on_selling() -> None:
    assert tries(Held(), until=35, sold=1) == [25, 27, 29, 31, 33]
