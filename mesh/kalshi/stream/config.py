"""How patient the stream is: the `[kalshi_stream]` table of a process's configuration."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from mesh.config import Strict
from mesh.rpc.config import Seconds


class StreamConfig(Strict):
    """Times and sizes of the WebSocket."""

    silence_seconds: Seconds = 25.0
    """A connection on which nothing at all is heard for so long is dead. The exchange sends something every 10 s."""
    answer_seconds: Seconds = 10.0
    """How long the exchange may take to confirm a command, and a connection to come about."""
    first_pause_seconds: Seconds = 0.5
    """Longest pause before the first attempt to connect again; it doubles with each attempt that fails."""
    longest_pause_seconds: Seconds = 30.0
    """What pauses grow to. A connection that holds for so long is a good one: pauses begin anew."""
    queued_events: Annotated[int, Field(ge=10, le=10_000_000)] = 10_000
    """Events that may wait for one consumer before books and tickers are told only as they are, and the rest is lost
    with a gap."""
    message_bytes: Annotated[int, Field(ge=65_536, le=1_000_000_000)] = 16_777_216
    """Longest message; a longer one ends the connection."""

    @model_validator(mode="after")
    def _grow(self) -> Self:
        if self.first_pause_seconds > self.longest_pause_seconds:
            raise ValueError("first_pause_seconds must not be longer than longest_pause_seconds")
        return self
