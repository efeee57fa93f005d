"""Faults on demand: which rules are in force, and when they strike.

REST asks `skew` before it checks a signature and `before` once the caller is known; a WebSocket session asks
`on_message` for each message of a channel. Each rule draws from its own stream of random numbers, so the same seed and
the same requests meet the same faults, whatever other rules there are. What a rule met and how often it struck is
counted, so that a test can tell that a fault was there at all.
"""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import count as counting
from random import Random

from msgspec import Struct

from sim_exchange.effects import (
    NO_EFFECTS,
    NO_MESSAGE_EFFECTS,
    Effects,
    MessageEffects,
    MessageFacts,
    RequestFacts,
    merged,
)
from sim_exchange.fault_rules import ClockSkew, FaultRule, concerns, effect, message_effect

__all__ = ["FaultCount", "FaultRule", "Faults"]


class FaultCount(Struct, frozen=True):
    """What became of a rule so far."""

    rule: FaultRule
    matches: int
    strikes: int


class _Running:
    """A rule at work: what it met, how often it struck, and its random numbers."""

    def __init__(self, rule: FaultRule, seed: int) -> None:
        self.rule = rule
        self.matches = 0
        self.strikes = 0
        self._random = Random(f"{seed}/{rule.name}")  # noqa: S311  reproducible on purpose

    def strike(self) -> float | None:
        """Count a match; give a random number of [0, 1) if the fault strikes."""
        rule = self.rule
        self.matches += 1
        drawn, number = self._random.random(), self._random.random()
        spent = rule.count is not None and self.strikes >= rule.count
        if spent or self.matches <= rule.after or drawn >= rule.probability:
            return None
        self.strikes += 1
        return number


class Faults:
    """The rules in force."""

    def __init__(self, seed: int, rules: Iterable[FaultRule] = ()) -> None:
        """Put rules in force. ValueError if two have the same name."""
        self._seed = seed
        self._running: dict[str, _Running] = {}
        self._of_clock: Sequence[_Running] = ()
        self._of_requests: Sequence[_Running] = ()
        self._of_messages: Sequence[_Running] = ()
        for rule in rules:
            self.add(rule)

    def add(self, rule: FaultRule) -> str:
        """Put a rule in force and give its name. ValueError if the name is taken."""
        if not rule.name:
            name = next(name for number in counting(1) if (name := f"{rule.kind}-{number}") not in self._running)
            rule = rule.model_copy(update={"name": name})
        if rule.name in self._running:
            raise ValueError(f"there is a fault named {rule.name} already")
        self._running[rule.name] = _Running(rule, self._seed)
        self._sort()
        return rule.name

    def remove(self, name: str) -> bool:
        """End a rule; tells whether there was one."""
        found = self._running.pop(name, None) is not None
        self._sort()
        return found

    def clear(self) -> None:
        """End all rules."""
        self._running.clear()
        self._sort()

    def counts(self) -> list[FaultCount]:
        """Give the rules in force with what became of them, in the order they came."""
        return [FaultCount(running.rule, running.matches, running.strikes) for running in self._running.values()]

    def skew(self, method: str, path: str) -> float:
        """Give the seconds that the exchange's wall clock is ahead for a request; asked once, before all else."""
        if not self._of_clock:
            return 0.0
        return merged(NO_EFFECTS, self._strikes(self._of_clock, RequestFacts(method, path))).skew

    @property
    def strike_requests(self) -> bool:
        """Whether any rule is about requests; spares the server the question, and to find out what a rule may ask."""
        return bool(self._of_requests)

    def before(self, facts: RequestFacts) -> Effects:
        """Say what goes wrong with a request; asked once, before it is carried out."""
        return merged(NO_EFFECTS, self._strikes(self._of_requests, facts)) if self._of_requests else NO_EFFECTS

    @property
    def strike_messages(self) -> bool:
        """Whether any rule is about messages; spares their senders the question."""
        return bool(self._of_messages)

    def on_message(self, facts: MessageFacts) -> MessageEffects:
        """Say what goes wrong with a message; asked once, before it is sent."""
        if not self._of_messages:
            return NO_MESSAGE_EFFECTS
        return merged(NO_MESSAGE_EFFECTS, self._message_strikes(facts))

    def _strikes(self, rules: Sequence[_Running], facts: RequestFacts) -> Iterator[Effects]:
        for running in rules:
            rule = running.rule
            if (
                fnmatchcase(facts.method, rule.method)
                and fnmatchcase(facts.path, rule.path)
                and fnmatchcase(facts.account, rule.account)
                and (rule.ticker == "*" or any(fnmatchcase(ticker, rule.ticker) for ticker in facts.tickers))
                and concerns(rule, facts)
                and (number := running.strike()) is not None
            ):
                yield effect(rule, number)

    def _message_strikes(self, facts: MessageFacts) -> Iterator[MessageEffects]:
        for running in self._of_messages:
            rule = running.rule
            if (
                fnmatchcase(facts.channel, rule.channel)
                and fnmatchcase(facts.account, rule.account)
                and fnmatchcase(facts.ticker, rule.ticker)
                and (number := running.strike()) is not None
            ):
                yield message_effect(rule, number)

    def _sort(self) -> None:
        running = self._running.values()
        self._of_clock = [each for each in running if isinstance(each.rule, ClockSkew)]
        self._of_messages = [each for each in running if each.rule.channel]
        self._of_requests = [each for each in running if not (each.rule.channel or isinstance(each.rule, ClockSkew))]
