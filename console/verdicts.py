"""The contract's verdicts on a market, in words."""

from collections.abc import Iterator

from foremesh.forecast.v1 import forecast_pb2, signal_pb2

from console.recorded import Recorded

_NO_SIGNAL = {
    signal_pb2.NO_SIGNAL_REASON_TOO_SHORT: "too few points",
    signal_pb2.NO_SIGNAL_REASON_NO_FINITE_POINT: "too few prices",
    signal_pb2.NO_SIGNAL_REASON_CONSTANT: "the price never changed",
    signal_pb2.NO_SIGNAL_REASON_CLOSES_BEFORE_FIRST_STEP: "the market closes before the first step ends",
    signal_pb2.NO_SIGNAL_REASON_BELOW_THRESHOLD: "the forecast does not move enough",
    signal_pb2.NO_SIGNAL_REASON_STALE: "the last candle is older than --max-age",
}
_ABOUT_THE_HISTORY = {signal_pb2.NO_SIGNAL_REASON_TOO_SHORT, signal_pb2.NO_SIGNAL_REASON_NO_FINITE_POINT}
_EXPIRED = {
    forecast_pb2.EXPIRED_REASON_USEFUL_UNTIL: "its time was over before it was computed",
    forecast_pb2.EXPIRED_REASON_SUPERSEDED: "a newer scan of the same client took its place",
    forecast_pb2.EXPIRED_REASON_DRAINING: "the server was stopping",
    forecast_pb2.EXPIRED_REASON_UNREAD: "the answers before it were left unread for too long",
}
_DEGRADED: dict[int, tuple[str, str]] = {
    forecast_pb2.DEGRADATION_INTERPOLATED: ("gaps", "gaps in the history filled in"),
    forecast_pb2.DEGRADATION_HISTORY_CUT: ("cut", "history cut to what the model looks at"),
    forecast_pb2.DEGRADATION_HORIZON_CUT: ("close", "horizon cut at the market's close"),
    forecast_pb2.DEGRADATION_AGE_UNKNOWN: ("age?", "age of the data unknown"),
    forecast_pb2.DEGRADATION_STALE: ("stale", "last candle older than two steps"),
    forecast_pb2.DEGRADATION_QUANTILES_INTERPOLATED: ("quantiles", "quantiles interpolated"),
    forecast_pb2.DEGRADATION_CANARY_DRIFT: (
        "CANARY",
        "DO NOT TRADE ON THIS: the server's canary drifted, its model or device is not right",
    ),
}


def why(result: signal_pb2.SignalResult, market: Recorded | None = None, *, min_points: int = 0) -> str:
    """Say in words why a history has no signal.

    Args:
        result: The verdict.
        market: What was sent; adds what is known of it.
        min_points: Fewest points that the model needs; 0 is not known.
    """
    outcome = result.WhichOneof("outcome")
    if outcome == "no_signal":
        return _why_no_signal(result.no_signal, market, min_points)
    if outcome == "rejected":
        return "; ".join(_problem(problem, market) for problem in result.rejected.problems)
    if outcome == "expired":
        return _EXPIRED.get(result.expired.reason, f"reason {result.expired.reason}, newer than this program")
    return f"the server could not compute it; its log says more under {result.failed.error_id}"


def caveat(code: int, results: list[forecast_pb2.Provenance]) -> str:
    """Say what a degradation of these results means."""
    _, words = _DEGRADED.get(code, ("", f"degradation {code}, newer than this program"))
    if code == forecast_pb2.DEGRADATION_INTERPOLATED:
        words += f", up to {_percent(max(result.interpolated_share for result in results))} of the points"
    return words


def marks(provenance: forecast_pb2.Provenance) -> Iterator[str]:
    """Name each degradation of a result by one word, for a narrow column."""
    for code in provenance.degraded:
        word, _ = _DEGRADED.get(code, (str(code), ""))
        yield f"{word} {_percent(provenance.interpolated_share)}" if word == "gaps" else word


def confidence(value: signal_pb2.Confidence) -> str:
    """Name a confidence."""
    name = signal_pb2.Confidence.Name(value) if value in signal_pb2.Confidence.values() else str(value)
    return name.removeprefix("CONFIDENCE_").replace("_", " ").lower()


def _problem(problem: forecast_pb2.FieldProblem, market: Recorded | None) -> str:
    if problem.field == "current_price_cents" and market is not None and market.current.origin == "unknown":
        return "no current price is known" + (f"; {market.note}" if market.note else "")
    return f"{problem.field}: {problem.description}"


def _why_no_signal(verdict: signal_pb2.NoSignal, market: Recorded | None, min_points: int) -> str:
    if verdict.HasField("magnitude_cents"):
        return f"the forecast moves only {verdict.magnitude_cents:.1f} c"
    words = _NO_SIGNAL.get(verdict.reason, f"reason {verdict.reason}, newer than this program")
    if market is None or verdict.reason not in _ABOUT_THE_HISTORY:
        return words
    known, steps = len(market.closes_cents) - market.gaps, len(market.closes_cents)
    least = f", {min_points} are needed" if min_points else ""
    return f"{words}: {market.note or f'{known} of {steps} steps have one'}{least}"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
