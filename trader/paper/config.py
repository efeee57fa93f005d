"""What the owner sets about the paper account."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from mesh.config import Strict
from mesh.kalshi.fees import BROKER_PRECISION, DIRECT_PRECISION
from mesh.types import DOLLAR, Micros

Seconds = Annotated[FiniteFloat, Field(gt=0, le=3600)]
Share = Annotated[FiniteFloat, Field(gt=0, le=1)]


class PaperConfig(Strict):
    """The `paper` table."""

    file: Path = Path("paper.sqlite")
    """The account. A new file is a new account with the starting cash."""
    starting_cash_dollars: Annotated[FiniteFloat, Field(gt=0, le=1_000_000_000)] = 1000.0
    """Of a new account; an old one keeps what it has."""
    latency_seconds: Annotated[FiniteFloat, Field(ge=0, le=60)] = 0.25
    """An order or a cancellation meets the market as it is so much later."""
    taker_share: Share = 1.0
    """Part of a shown size that may be had."""
    queue_share: Annotated[FiniteFloat, Field(ge=0, le=1)] = 1.0
    """Part of the size shown at its price that is ahead of an order when it comes to rest."""
    precision: Literal["direct", "broker"] = "direct"
    """Whole steps of a new account's balance: a direct member's 0.0001 dollars, or a broker's whole cents."""
    max_book_age_seconds: Seconds = 10.0
    """A book not known to be so for longer is read anew before an order meets it."""
    result_check_seconds: Seconds = 60.0
    """Closed markets are asked for their result so often."""

    @property
    def step(self) -> Micros:
        """Step of the balance."""
        return DIRECT_PRECISION if self.precision == "direct" else BROKER_PRECISION

    @property
    def starting_cash(self) -> Micros:
        """First cash, in whole steps."""
        return Micros(round(self.starting_cash_dollars * DOLLAR) // self.step * self.step)
