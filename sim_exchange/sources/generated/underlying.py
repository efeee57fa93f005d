"""What the generator of quotes asks of whatever an event is about. Pure."""

from decimal import Decimal
from typing import Protocol

from sim_exchange.sources.generated.arrays import Floats, Ints


class Underlying(Protocol):
    """The number that decides one event, and what can be known of it before."""

    def expectation(self, at: int) -> float:
        """Give the expected deciding number at an instant (microseconds)."""
        ...

    def below(self, edges: Floats, at: Ints) -> Floats:
        """Give the fair probabilities that the deciding number will be below each edge, at each instant.

        Args:
            edges: Ascending.
            at: Instants in microseconds, none after the event's close.

        Returns:
            One row an edge, one column an instant.
        """
        ...

    @property
    def value(self) -> Decimal:
        """The deciding number."""
        ...

    @property
    def value_text(self) -> str:
        """The deciding number as the exchange writes it, such as `85.00`."""
        ...
