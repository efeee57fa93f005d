"""The exit and confidence policy: which levels and how much trust belong to a signal. Data, with a version."""

from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, StringConstraints, model_validator

from forecast_server.types import Confidence
from mesh.config import ConfigError, Strict, load

Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9._-]{0,64}$")]
Cents = Annotated[FiniteFloat, Field(ge=0, le=100)]


class ExitRule(Strict):
    """Exit levels of one group of series in one range of magnitudes."""

    asset: str
    """What the group is, for people."""
    series_prefix: Prefix
    """Series whose ticker starts with this; empty fits all."""
    min_magnitude_cents: Cents = 0.0
    """Signals of at least this magnitude."""
    max_magnitude_cents: Cents | None = None
    """Signals below this magnitude; absent is without limit."""
    take_profit_cents: Annotated[FiniteFloat, Field(gt=0, le=100)]
    """Above the entry price of the contract held."""
    stop_loss_cents: Annotated[FiniteFloat, Field(gt=0, le=100)]
    """Below the entry price of the contract held."""

    @model_validator(mode="after")
    def _range_holds_something(self) -> Self:
        if self.max_magnitude_cents is not None and self.max_magnitude_cents <= self.min_magnitude_cents:
            raise ValueError("max_magnitude_cents must be above min_magnitude_cents, or the entry never fits")
        return self


class ConfidenceRule(Strict):
    """Bars of one group of series; below all of them confidence is low."""

    asset: str
    """What the group is, for people."""
    series_prefix: Prefix
    """Series whose ticker starts with this; empty fits all."""
    rule: Literal["magnitude", "quantile_share"]
    """What is compared with the bars: the magnitude in cents, or the share of quantiles on the signal's side."""
    medium: Cents
    """At least this is medium."""
    medium_high: Cents
    """At least this is medium high."""
    high: Cents
    """At least this is high."""

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if not self.medium <= self.medium_high <= self.high:
            raise ValueError("bars must ascend: medium, medium_high, high")
        return self

    def bars(self) -> tuple[tuple[Confidence, float], ...]:
        """Return the bars, ascending."""
        return (
            (Confidence.MEDIUM, self.medium),
            (Confidence.MEDIUM_HIGH, self.medium_high),
            (Confidence.HIGH, self.high),
        )


class PolicyFile(Strict):
    """What stands in the file."""

    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    """Name of this version; change it with every change of a level."""
    exits: Annotated[tuple[ExitRule, ...], Field(min_length=1, max_length=1000)]
    """The first that fits decides."""
    confidence: Annotated[tuple[ConfidenceRule, ...], Field(min_length=1, max_length=1000)]
    """The first that fits decides."""

    @model_validator(mode="after")
    def _fits_everything(self) -> Self:
        last = self.exits[-1]
        if last.series_prefix or last.min_magnitude_cents > 0 or last.max_magnitude_cents is not None:
            raise ValueError('the last of exits must fit every series and magnitude (series_prefix = "")')
        if self.confidence[-1].series_prefix:
            raise ValueError('the last of confidence must fit every series (series_prefix = "")')
        return self


@dataclass(frozen=True, slots=True)
class SeriesRules:
    """What the policy says of one series."""

    exits: tuple[ExitRule, ...]
    """Those whose prefix fits; the first whose range fits decides."""
    by_share: bool
    """Confidence is read off the quantiles' share, not off the magnitude."""
    bars: tuple[tuple[float, Confidence], ...]
    """Bars of the confidence, highest first."""

    def exit_for(self, magnitude_cents: float) -> ExitRule:
        """Find the exit levels of a signal."""
        for rule in self.exits:
            below = rule.max_magnitude_cents
            if rule.min_magnitude_cents <= magnitude_cents and (below is None or magnitude_cents < below):
                return rule
        raise AssertionError("the last rule fits everything")

    def confidence_at(self, figure: float) -> Confidence:
        """Read the confidence off the magnitude in cents, or the share where `by_share`."""
        for bar, confidence in self.bars:
            if figure >= bar:
                return confidence
        return Confidence.LOW


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy in force."""

    file: PolicyFile
    digest: str
    """SHA-256 of the file, hexadecimal."""

    @property
    def version(self) -> str:
        """Version of the file."""
        return self.file.version

    def rules_of(self, series_ticker: str) -> SeriesRules:
        """Find what holds for a series."""
        confidence = next(rule for rule in self.file.confidence if series_ticker.startswith(rule.series_prefix))
        return SeriesRules(
            exits=tuple(rule for rule in self.file.exits if series_ticker.startswith(rule.series_prefix)),
            by_share=confidence.rule == "quantile_share",
            bars=tuple((bar, reached) for reached, bar in reversed(confidence.bars())),
        )


def read_policy(path: Path | None) -> Policy:
    """Read a policy file, or the one the package ships.

    Raises:
        ConfigError: the file cannot be used.
    """
    with resources.as_file(resources.files("forecast_server").joinpath("policy.toml")) as shipped:
        chosen = path or shipped
        while True:
            policy, digest = load(chosen, PolicyFile), _digest(chosen)
            if load(chosen, PolicyFile) == policy:  # nobody changed it meanwhile
                return Policy(policy, digest)


def _digest(file: Path) -> str:
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
