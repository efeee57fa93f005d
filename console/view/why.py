"""Why an entry was made or refused: every rule with what it found and what it allows. Pure."""

from dataclasses import dataclass
from typing import Final

from foremesh.trader.v1 import decisions_pb2, rules_pb2

from console.trading_words import figure

PASSED: Final = "✓"
REFUSED: Final = "✗"
NOT_ASKED: Final = "·"


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule."""

    sign: str
    """That it passed, refused, or had nothing to say."""
    rule: str
    words: str
    """What was compared with what; empty where there was nothing to compare."""

    @property
    def refused(self) -> bool:
        """Whether it refused."""
        return self.sign == REFUSED


def reasons(decision: decisions_pb2.Decision) -> tuple[Reason, ...]:
    """Say what every rule found: those that refused come first, then those that passed, then the rest."""
    found = [_reason(verdict) for verdict in decision.verdicts]
    order = (REFUSED, PASSED, NOT_ASKED)
    return tuple(sorted(found, key=lambda each: order.index(each.sign)))


def refusal(verdict: rules_pb2.RuleVerdict) -> str:
    """Say `spread 12c > 10c`: the rule, what it found and what it allows."""
    rule = verdict.rule.replace("_", " ")
    if not verdict.HasField("figure"):
        return f"{rule}: not known"
    return f"{rule} {_against(verdict, passed=False)}"


def _reason(verdict: rules_pb2.RuleVerdict) -> Reason:
    rule, known = verdict.rule.replace("_", " "), verdict.HasField("figure")
    match verdict.verdict:
        case rules_pb2.VERDICT_REFUSED:
            return Reason(REFUSED, rule, _against(verdict, passed=False) if known else "not known")
        case rules_pb2.VERDICT_PASSED:
            return Reason(PASSED, rule, _against(verdict, passed=True) if known else "")
        case rules_pb2.VERDICT_SWITCHED_OFF:
            return Reason(NOT_ASKED, rule, "switched off" + (f", {figure(verdict.figure)}" if known else ""))
        case rules_pb2.VERDICT_NOT_APPLICABLE:
            return Reason(NOT_ASKED, rule, "does not apply")
        case _:
            return Reason(NOT_ASKED, rule, "said something newer than this program")


def _against(verdict: rules_pb2.RuleVerdict, *, passed: bool) -> str:
    bounds, said = verdict.bounds, figure(verdict.figure)
    low, high = bounds.HasField("at_least"), bounds.HasField("at_most")
    if bounds.HasField("equal_to"):
        return said if passed else f"{said}, not {figure(bounds.equal_to)}"
    if low and high:
        return f"{said}, {'' if passed else 'not '}within {figure(bounds.at_least)} to {figure(bounds.at_most)}"
    if low:
        return f"{said} {'≥' if passed else '<'} {figure(bounds.at_least)}"
    return f"{said} {'≤' if passed else '>'} {figure(bounds.at_most)}" if high else said
