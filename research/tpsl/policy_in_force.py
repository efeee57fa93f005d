"""The policy of a forecast server, as it tells it over the contract."""

from collections.abc import Sequence

from foremesh.forecast.v1 import forecast_service_pb2 as pb
from foremesh.forecast.v1 import policy_pb2, signal_pb2

from mesh.errors import Unsupported
from research.tpsl.policy_file import ConfidenceBars, ExitLevels, InForce

_RULES = {
    policy_pb2.CONFIDENCE_RULE_MAGNITUDE: "magnitude",
    policy_pb2.CONFIDENCE_RULE_QUANTILE_SHARE: "quantile_share",
}


def read(pages: Sequence[pb.ListExitPoliciesResponse]) -> InForce:
    """Read all pages, at least one. Raises Unsupported for a rule that is not known here."""
    return InForce(
        version=pages[0].policy_version,
        digest=pages[0].policy_digest,
        exits=tuple(_levels(each) for page in pages for each in page.exit_policies),
        confidence=tuple(_bars(each) for page in pages for each in page.confidence_policies),
    )


def _levels(each: policy_pb2.ExitPolicy) -> ExitLevels:
    return ExitLevels(
        asset=each.asset,
        series_prefix=each.series_prefix,
        min_magnitude_cents=each.min_magnitude_cents,
        max_magnitude_cents=each.max_magnitude_cents if each.HasField("max_magnitude_cents") else None,
        take_profit_cents=each.take_profit_cents,
        stop_loss_cents=each.stop_loss_cents,
    )


def _bars(each: policy_pb2.ConfidencePolicy) -> ConfidenceBars:
    bars = {bar.confidence: bar.at_least for bar in each.bars}
    wanted = (signal_pb2.CONFIDENCE_MEDIUM, signal_pb2.CONFIDENCE_MEDIUM_HIGH, signal_pb2.CONFIDENCE_HIGH)
    if each.rule not in _RULES or set(bars) != set(wanted):
        text = f"the server's rule of confidence for {each.asset!r} is not known here"
        raise Unsupported(text, reason="CONFIDENCE_RULE_UNKNOWN")
    medium, medium_high, high = (bars[word] for word in wanted)
    return ConfidenceBars(
        asset=each.asset,
        series_prefix=each.series_prefix,
        rule=_RULES[each.rule],
        medium=medium,
        medium_high=medium_high,
        high=high,
    )
