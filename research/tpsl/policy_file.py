"""The exit policy that the forecast server loads, with new levels for one series. Pure.

Everything else in it is the policy in force as the server itself tells it, entry by entry and in its order. The levels
come first, so that they decide.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

_SHORT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitLevels:
    """Levels of one group of series in one range of magnitudes; cents."""

    asset: str
    series_prefix: str
    min_magnitude_cents: float = 0.0
    max_magnitude_cents: float | None = None
    take_profit_cents: float
    stop_loss_cents: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceBars:
    """How confidence of one group of series is read."""

    asset: str
    series_prefix: str
    rule: str
    """`magnitude` or `quantile_share`."""
    medium: float
    medium_high: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The policy of a forecast server."""

    version: str
    digest: str
    exits: tuple[ExitLevels, ...]
    confidence: tuple[ConfidenceBars, ...]


def write(policy: InForce, levels: ExitLevels, provenance: Sequence[str], alike: Iterable[str] = ()) -> str:
    """Return the file.

    Args:
        policy: In force.
        levels: New, for every magnitude; they replace all of the same prefix.
        provenance: Lines that say where the levels come from.
        alike: Other series that are known and whose tickers begin alike, such as KXBTCD beside KXBTC: a prefix cannot
            leave them out, so what is in force for them is said again, before the new levels.
    """
    prefix = levels.series_prefix
    longer = [each for each in policy.exits if each.series_prefix.startswith(prefix) and each.series_prefix != prefix]
    said = [
        replace(each, series_prefix=series)
        for series in sorted({one for one in alike if one.startswith(prefix) and one != prefix}, key=_longest)
        for each in policy.exits
        if series.startswith(each.series_prefix)
    ]
    kept = [each for each in policy.exits if not each.series_prefix.startswith(prefix)]
    exits = "\n".join(_exit(each) for each in [*said, *longer, levels, *kept])
    confidence = "\n".join(_confidence(each) for each in policy.confidence)
    body = f"{exits}\n{confidence}"
    version = f"tpsl-{hashlib.sha256(body.encode()).hexdigest()[:_SHORT]}"
    lines = [
        f"Exit levels of {prefix} by `foremesh tpsl`; everything else as in version {policy.version},",
        f"sha256 {policy.digest}. In each list the first entry that fits decides.",
        *provenance,
    ]
    comment = "".join(f"# {line}\n" for text in lines for line in text.splitlines())
    return f"{comment}version = {_text(version)}\n\n{body}"


def _longest(series: str) -> tuple[int, str]:
    return -len(series), series


def _exit(each: ExitLevels) -> str:
    lines = ["[[exits]]", f"asset = {_text(each.asset)}", f"series_prefix = {_text(each.series_prefix)}"]
    if each.min_magnitude_cents > 0:
        lines.append(f"min_magnitude_cents = {float(each.min_magnitude_cents)!r}")
    if each.max_magnitude_cents is not None:
        lines.append(f"max_magnitude_cents = {float(each.max_magnitude_cents)!r}")
    lines.append(f"take_profit_cents = {float(each.take_profit_cents)!r}")
    lines.append(f"stop_loss_cents = {float(each.stop_loss_cents)!r}")
    return "\n".join(lines) + "\n"


def _confidence(each: ConfidenceBars) -> str:
    return f"""[[confidence]]
asset = {_text(each.asset)}
series_prefix = {_text(each.series_prefix)}
rule = {_text(each.rule)}
medium = {float(each.medium)!r}
medium_high = {float(each.medium_high)!r}
high = {float(each.high)!r}
"""


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
