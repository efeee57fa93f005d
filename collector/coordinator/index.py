"""Shards in the orders in which people and nodes list them. Pure.

Sorted lists of keys, kept as rows change: one of all, and one for each thing that a query may ask for, so that no page
looks at every shard to find a few.
"""

import heapq
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence

from collector.coordinator.calls import ShardQuery
from collector.coordinator.rows import ShardRow
from mesh.shards import ShardKey

_Order = tuple[str, str, int]


def _order(key: ShardKey) -> _Order:
    return key.series, key.event, key.step_seconds


class Index:
    """Finds rows by query, page by page."""

    def __init__(self) -> None:
        self._lists: dict[str, list[ShardKey]] = {"": []}
        self._events: dict[str, list[ShardKey]] = {}
        self._commits: list[tuple[int, ShardKey]] = []
        self._dead = 0

    def load(self, rows: Iterable[ShardRow]) -> None:
        """Take many rows in, of an empty index."""
        for row in sorted(rows, key=lambda row: _order(row.key)):
            for name in ("", *_names(row)):
                self._lists.setdefault(name, []).append(row.key)
            self._events.setdefault(row.key.event, []).append(row.key)
            if row.commit is not None:
                self._commits.append((row.commit.sequence, row.key))
        self._commits.sort(key=lambda entry: entry[0])

    def change(self, old: ShardRow | None, new: ShardRow) -> None:
        """Note that a row took the place of another."""
        before = {"", *_names(old)} if old is not None else set()
        after = {"", *_names(new)}
        for name in before - after:
            keys = self._lists[name]
            del keys[bisect_left(keys, _order(new.key), key=_order)]
        for name in after - before:
            insort(self._lists.setdefault(name, []), new.key, key=_order)
        if old is None:
            insort(self._events.setdefault(new.key.event, []), new.key, key=_order)
        if new.commit is not None and (old is None or old.commit is None or old.commit.sequence != new.commit.sequence):
            self._commits.append((new.commit.sequence, new.key))  # sequences only grow
            self._dead += old is not None and old.commit is not None

    def find(
        self, query: ShardQuery, rows: Mapping[ShardKey, ShardRow], after: ShardKey | int | None
    ) -> Iterator[ShardRow]:
        """Give the rows that a query asks for and that come after a key, or after a sequence; in their order."""
        if query.after_sequence is not None:
            start = max(query.after_sequence, after if isinstance(after, int) else 0)
            candidates = self._by_sequence(start, rows)
        else:
            candidates = self._by_key(query, after if isinstance(after, ShardKey) else None, rows)
        return (row for row in candidates if _matches(query, row))

    def _by_sequence(self, start: int, rows: Mapping[ShardKey, ShardRow]) -> Iterator[ShardRow]:
        if self._dead > len(self._commits) // 2:  # most have been replaced since
            self._commits, self._dead = [entry for entry in self._commits if _in_force(entry, rows)], 0
        commits = self._commits
        for at in range(bisect_right(commits, start, key=lambda entry: entry[0]), len(commits)):
            if _in_force(commits[at], rows):
                yield rows[commits[at][1]]

    def _by_key(
        self, query: ShardQuery, after: ShardKey | None, rows: Mapping[ShardKey, ShardRow]
    ) -> Iterator[ShardRow]:
        found = (_after(keys, query.series, after) for keys in self._shortest(query))
        return (rows[key] for key in heapq.merge(*found, key=_order))

    def _shortest(self, query: ShardQuery) -> list[Sequence[ShardKey]]:
        """Choose the fewest keys that have among them all that a query asks for."""
        if query.event:
            return [self._events.get(query.event, [])]
        names = [[""]]
        names += [[f"owner {query.owner}"]] if query.owner else []
        names += [["holed"]] if query.holed_only else []
        names += [["committed"]] if query.committed_only else []
        names += [[state.value for state in set(query.states)]] if query.states else []
        choices: list[list[Sequence[ShardKey]]] = [[self._lists.get(name, []) for name in group] for group in names]
        return min(choices, key=lambda lists: sum(len(keys) for keys in lists))


def _names(row: ShardRow) -> list[str]:
    names = [row.state.value]
    if row.lease is not None:
        names.append(f"owner {row.lease.worker_id}")
    if row.commit is not None:
        names.append("committed")
        if row.commit.hole_count:
            names.append("holed")
    return names


def _after(keys: Sequence[ShardKey], series: tuple[str, ...], after: ShardKey | None) -> Iterator[ShardKey]:
    begin = 0 if after is None else bisect_right(keys, _order(after), key=_order)
    ranges = [(begin, len(keys))]
    if series:
        ranges = [
            (
                max(begin, bisect_left(keys, ticker, key=lambda key: key.series)),
                bisect_right(keys, ticker, key=lambda key: key.series),
            )
            for ticker in sorted(set(series))
        ]
    return (keys[at] for low, high in ranges for at in range(low, high))


def _in_force(entry: tuple[int, ShardKey], rows: Mapping[ShardKey, ShardRow]) -> bool:
    commit = rows[entry[1]].commit
    return commit is not None and commit.sequence == entry[0]


def _matches(query: ShardQuery, row: ShardRow) -> bool:
    commit = row.commit
    if query.series and row.key.series not in query.series:
        return False
    if query.event and row.key.event != query.event:
        return False
    if query.states and row.state not in query.states:
        return False
    if query.owner and (row.lease is None or row.lease.worker_id != query.owner):
        return False
    if query.committed_only and commit is None:
        return False
    return not query.holed_only or (commit is not None and commit.hole_count > 0)
