"""Which state of an order may follow which."""

import pytest

from trader.domain.orders import NEXT, IllegalTransition, moved
from trader.domain.words import OrderState


def test_nothing_follows_a_final_state_and_something_every_other() -> None:
    assert set(NEXT) == set(OrderState)
    for state, following in NEXT.items():
        assert bool(following) is not state.final


def test_nothing_comes_back_from_the_exchange_to_before_it_was_sent() -> None:
    for before in OrderState:
        assert OrderState.INTENDED not in NEXT[before]
        assert OrderState.SENT not in NEXT[before] or before is OrderState.INTENDED


def test_what_the_exchange_has_is_never_called_unsent_refused_or_unknown_again() -> None:
    for before in (OrderState.RESTING, OrderState.CANCELLING):
        assert not NEXT[before] & {OrderState.NOT_SENT, OrderState.REJECTED, OrderState.UNKNOWN}


@pytest.mark.parametrize("before", OrderState)
@pytest.mark.parametrize("after", OrderState)
def test_a_move_is_made_or_refused_by_name(before: OrderState, after: OrderState) -> None:
    if after in NEXT[before]:
        assert moved("order", before, after) is after
    else:
        with pytest.raises(IllegalTransition) as refused:
            moved("order", before, after)
        assert refused.value.metadata == {
            "client_order_id": "order",
            "before": before.value,
            "after": after.value,
        }
