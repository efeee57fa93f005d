"""What the exchange lists becomes shards: new events appear, known ones change, what nobody wants is withdrawn."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from collector.coordinator import due, ledger
from collector.coordinator.book import Book
from collector.coordinator.calls import CommitCall, RevocationReason
from collector.coordinator.event_rows import with_late_markets
from collector.coordinator.moment import Moment
from collector.coordinator.policy import LeasePolicy
from collector.coordinator.rows import EventRow, ShardRow
from collector.coordinator.store import Store
from mesh.log import get
from mesh.shards import ShardKey

_log = get(__name__)


class Listings:
    """Brings shards in line with the exchange and with the configuration.

    Args:
        book: What is known.
        store: Has the events as they were.
        policy: Waits.
        steps: Candle steps by series that are to be collected.
    """

    def __init__(self, book: Book, store: Store, policy: LeasePolicy, steps: Mapping[str, tuple[int, ...]]) -> None:
        self._book = book
        self._store = store
        self._policy = policy
        self._steps = {series: tuple(each) for series, each in steps.items()}
        self._seen: dict[str, int] = {}

    def withdraw(self, now: Moment) -> None:
        """Withdraw the shards that the configuration names no more, and take back those that it names again."""
        draft = self._book.draft()
        for row in self._book.rows.values():
            if row.withdrawn != (not self._is_wanted(row.key)):
                draft.put(replace(row, withdrawn=not row.withdrawn))
        self._book.save(draft, now)
        for lease in self._book.leases.values():
            if self._book.rows[lease.key].withdrawn:
                self._book.revoke(lease, RevocationReason.WITHDRAWN, now)
        if draft.changed:
            _log.info("shards withdrawn or taken back as configured", shards=len(draft.changed))

    def take(self, events: Sequence[EventRow], now: Moment) -> None:
        """Take in a part of a listing, in one transaction. An event without markets waits until it has some."""
        draft = self._book.draft()
        seen: dict[str, int] = {}
        kept: list[EventRow] = []
        for event in events:
            if not event.markets:
                continue
            mark = hash((event.series, event.markets, event.settled, due.is_over(event, now.due)))
            if self._seen.get(event.event) == mark:
                continue
            seen[event.event] = mark
            whole, grown = with_late_markets(event, self._store.event(event.event))
            kept.append(whole)
            for step in self._steps.get(event.series, ()):
                key = ShardKey(event.series, event.event, step)
                row = ledger.listed(draft.get(key), key, event, now.due, self._policy)
                draft.put(due.plan_late_markets(row, now.due, self._policy) if grown else row)
        self._book.save(draft, now, events=kept)
        self._seen.update(seen)

    def adopted(self, call: CommitCall, now: Moment) -> ShardRow:
        """Make the row of a shard that is known by nothing but the file that is to be adopted."""
        event = self._store.event(call.shard.event)
        if event is None or event.series != call.shard.series:
            row = ledger.adopted_unlisted(call)
        else:
            row = ledger.listed(None, call.shard, event, now.due, self._policy)
        return replace(row, withdrawn=not self._is_wanted(call.shard))

    def _is_wanted(self, key: ShardKey) -> bool:
        return key.step_seconds in self._steps.get(key.series, ())
