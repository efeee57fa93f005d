"""How far collection is, for people: a coordinator's progress as tables with bars, and in a few words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from foremesh.coordinator.v1 import budget_pb2, progress_pb2, shard_pb2, worker_pb2
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.text import Text

from console.collection.tables import Column, Fitted
from console.collection.words import brief, count, duration_words, plain, plural, step_words, timespan
from console.model_view import percent, size
from mesh.convert import instant
from mesh.errors import InvalidInput

_INDENT, _BAR = 2, 12
_LEASES = 12
"""Shown to people, of those that are furthest behind: one screen."""
_STILL = timedelta(minutes=1)
"""From here on it is said that a lease does not move."""
_STATE = {
    worker_pb2.WORKER_STATE_ACTIVE: ("active", "green"),
    worker_pb2.WORKER_STATE_SLOW: ("slow", "yellow"),
    worker_pb2.WORKER_STATE_DRAINING: ("draining", "yellow"),
    worker_pb2.WORKER_STATE_SILENT: ("silent", "yellow"),
    worker_pb2.WORKER_STATE_LOST: ("LOST", "bold red"),
    worker_pb2.WORKER_STATE_LEFT: ("left", "dim"),
}
_HERE = {worker_pb2.WORKER_STATE_ACTIVE, worker_pb2.WORKER_STATE_SLOW, worker_pb2.WORKER_STATE_DRAINING}
_BUDGET = {budget_pb2.API_BUDGET_KIND_PER_IP: "address", budget_pb2.API_BUDGET_KIND_PER_ACCOUNT: "account"}


@dataclass(frozen=True, slots=True)
class Tables:
    """A snapshot, drawn as wide as the terminal is."""

    progress: progress_pb2.Progress

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw series, nodes and leases, each with what there is room for."""
        for part in _parts(self.progress):
            yield Padding(part, (0, 0, 0, _INDENT))


def state(progress: progress_pb2.Progress) -> str:
    """Say in a few words what collection does: the first says how well it goes."""
    here = sum(worker.state in _HERE for worker in progress.workers)
    leased = sum(series.leased_count for series in progress.series)
    if not progress.series:
        words = ["no series"]
    elif not here:
        words = ["no nodes"]
    else:
        words = ["collecting" if leased else "waiting", plural(here, "node"), plural(leased, "lease")]
    totals = [series.total_count for series in progress.series if series.HasField("total_count")]
    if totals:
        done = sum(series.committed_count for series in progress.series if series.HasField("total_count"))
        words.append(f"{percent(done / sum(totals)) if sum(totals) else 'nothing'} committed")
    if progress.series and progress.instance_id:
        words.append(_outlook(progress))
    return ", ".join(words)


def series_table(progress: progress_pb2.Progress) -> RenderableType:
    """Draw how far each series is, and all of them."""
    rows: Sequence[progress_pb2.SeriesProgress] = progress.series
    if not rows:
        return Text("no series is configured, or the exchange has not been listed yet")
    return Fitted([*rows, _sum(rows)] if len(rows) > 1 else rows, _SERIES)


def _parts(progress: progress_pb2.Progress) -> Iterator[RenderableType]:
    yield series_table(progress)
    yield ""
    if progress.workers:
        yield Fitted(progress.workers, _WORKERS)
    else:
        yield Text("no node has registered; start one with foremesh-collector", style="yellow")
    if progress.leases:
        leases = sorted(progress.leases, key=_stillness, reverse=True)
        yield ""
        yield Fitted(leases[:_LEASES], _LEASES_COLUMNS)
        leased = max(sum(series.leased_count for series in progress.series), len(leases))
        if leased > _LEASES:
            yield Text(f"and {plural(leased - _LEASES, 'lease')} more", style="dim")


def _sum(rows: Sequence[progress_pb2.SeriesProgress]) -> progress_pb2.SeriesProgress:
    """Add series up; the sum has no total where one of them has none."""
    total = progress_pb2.SeriesProgress()
    for name in (
        "committed_count", "sealed_count", "open_count", "leased_count", "holed_count", "price_only_count",
        "hole_count", "row_count", "size_bytes", "due_count",
    ):  # fmt: skip
        most = 2**63 - 1 if name in ("row_count", "size_bytes") else 2**32 - 1
        setattr(total, name, min(most, sum(getattr(row, name) for row in rows)))
    if all(row.HasField("total_count") for row in rows):
        total.total_count = min(2**32 - 1, sum(row.total_count for row in rows))
    return total


# --- series


def _bar(done: float, total: float) -> ProgressBar:
    return ProgressBar(total=max(total, done, 1), completed=done, width=_BAR, complete_style="green")


def _series_bar(series: progress_pb2.SeriesProgress) -> RenderableType:
    return _bar(series.committed_count, series.total_count) if series.HasField("total_count") else ""


def _committed(series: progress_pb2.SeriesProgress) -> str:
    total = f"{series.total_count:,}" if series.HasField("total_count") else "?"
    return f"{series.committed_count:,} of {total}"


def _holes(series: progress_pb2.SeriesProgress) -> RenderableType:
    if not series.hole_count:
        return "0"
    return Text(f"{count(series.hole_count)} in {count(series.holed_count)}", style="yellow")


def _left(series: progress_pb2.SeriesProgress) -> str:
    """Say how long it takes to collect what is due; where nothing is, how long until something will be."""
    if not series.due_count and series.HasField("next_due_after"):
        return f"due in {brief(series.next_due_after)}"
    return duration_words(series.estimated_remaining) if series.HasField("estimated_remaining") else "?"


def _outlook(progress: progress_pb2.Progress) -> str:
    if due := sum(series.due_count for series in progress.series):
        known = progress.HasField("estimated_remaining")
        return f"{count(due)} due, {duration_words(progress.estimated_remaining) if known else '?'} left"
    if progress.HasField("next_due_after"):
        return f"nothing due for {brief(progress.next_due_after)}"
    return "nothing due"


def _listed(series: progress_pb2.SeriesProgress) -> str:
    if not series.series_ticker:
        return ""
    if not series.HasField("list_time"):
        return "not yet"
    try:
        return f"{instant(series.list_time, 'list_time'):%m-%d %H:%M} UTC"
    except InvalidInput:
        return "?"


_SERIES: tuple[Column[progress_pb2.SeriesProgress], ...] = (
    Column("series", lambda row: plain(row.series_ticker) or "all", most=20),
    Column("step", lambda row: step_words(row.candle_step.seconds) if row.series_ticker else ""),
    Column("", _series_bar, 1),
    Column("committed", _committed, justify="right"),
    Column("sealed", lambda row: count(row.sealed_count), 5, justify="right"),
    Column("open", lambda row: count(row.open_count), 6, justify="right"),
    Column("leased", lambda row: count(row.leased_count), 7, justify="right"),
    Column("holes", _holes, justify="right"),
    Column("price-only", lambda row: count(row.price_only_count), 2, justify="right"),
    Column("rows", lambda row: count(row.row_count), 3, justify="right"),
    Column("size", lambda row: size(row.size_bytes), 4, justify="right"),
    Column("due", lambda row: count(row.due_count), 7, justify="right"),
    Column("left", lambda row: _left(row) if row.series_ticker else "", justify="right"),
    Column("listed", _listed, 8),
)


# --- nodes


def _worker_state(worker: worker_pb2.Worker) -> Text:
    word, style = _STATE.get(worker.state, (f"state {worker.state}", "yellow"))
    return Text(word, style=style)


def _speed(worker: worker_pb2.Worker) -> str:
    return count(worker.rows_per_second) if worker.HasField("rows_per_second") else "?"


def _budget(worker: worker_pb2.Worker) -> str:
    """Say what it spends of what it may, in tokens a second."""
    if not worker.HasField("api_budget_share"):
        return "?"
    share = worker.api_budget_share.tokens_per_second
    spent = f"{worker.api_usage.tokens_per_second:,.1f}" if worker.HasField("api_usage") else "?"
    return f"{spent} of {share:,.1f}"


def _budget_bar(worker: worker_pb2.Worker) -> RenderableType:
    if not (worker.HasField("api_budget_share") and worker.HasField("api_usage")):
        return ""
    return _bar(worker.api_usage.tokens_per_second, worker.api_budget_share.tokens_per_second)


def _throttled(worker: worker_pb2.Worker) -> RenderableType:
    number = worker.api_usage.throttled_count
    return Text(count(number), style="yellow" if number else "")


def _heard(worker: worker_pb2.Worker) -> str:
    return f"{brief(worker.heartbeat_age)} ago" if worker.HasField("heartbeat_age") else "not yet"


def _disk(worker: worker_pb2.Worker) -> str:
    return size(worker.free_disk_bytes) if worker.HasField("free_disk_bytes") else "?"


def _of_budget(worker: worker_pb2.Worker) -> str:
    if not worker.HasField("api_budget"):
        return ""
    return f"{_BUDGET.get(worker.api_budget.kind, 'kind ?')} {plain(worker.api_budget.budget_id)}"


_WORKERS: tuple[Column[worker_pb2.Worker], ...] = (
    Column("node", lambda row: plain(row.worker_id), most=20),
    Column("state", _worker_state),
    Column("leases", lambda row: count(row.lease_count), justify="right"),
    Column("commits", lambda row: count(row.commit_count), 4, justify="right"),
    Column("rows/s", _speed, justify="right"),
    Column("", _budget_bar, 3),
    Column("tokens/s", _budget, justify="right"),
    Column("429s", _throttled, justify="right"),
    Column("heard", _heard, justify="right"),
    Column("free disk", _disk, 2, justify="right"),
    Column("to copy", lambda row: count(row.missing_copy_count) if row.HasField("missing_copy_count") else "",
           5, justify="right"),
    Column("budget", _of_budget, 6, most=28),
    Column("version", lambda row: plain(row.software_version), 7, most=16),
    Column("serves files at", lambda row: plain(row.fetch_address), 8, most=32),
)  # fmt: skip


# --- leases


def _stillness(lease: shard_pb2.LeaseStatus) -> tuple[timedelta, timedelta]:
    """Order leases: those that stand still first, then the longest held."""
    still = timespan(lease.progress.progress_age) or timedelta()
    return (still if still >= _STILL else timedelta(), timespan(lease.held) or timedelta())


def _shard(lease: shard_pb2.LeaseStatus) -> str:
    key = lease.progress.lease.shard_key
    return f"{plain(key.event_ticker)} {step_words(key.candle_step.seconds)}"


def _word(enum: str, prefix: str) -> str:
    return enum.removeprefix(prefix).replace("_", " ").lower()


def _purpose(lease: shard_pb2.LeaseStatus) -> str:
    known = lease.purpose in shard_pb2.LeasePurpose.values()
    return _word(shard_pb2.LeasePurpose.Name(lease.purpose), "LEASE_PURPOSE_") if known else "?"


def _stage(lease: shard_pb2.LeaseStatus) -> RenderableType:
    stage = lease.progress.stage
    word = _word(shard_pb2.LeaseStage.Name(stage), "LEASE_STAGE_") if stage in shard_pb2.LeaseStage.values() else "?"
    still = timespan(lease.progress.progress_age) or timedelta()
    if still >= _STILL:
        return Text(f"{word}, still for {brief(lease.progress.progress_age)}", style="yellow")
    return Text(f"{word}, asked back", style="yellow") if lease.revoked else word


def _markets(lease: shard_pb2.LeaseStatus) -> str:
    return f"{lease.progress.done_market_count:,} of {lease.progress.total_market_count:,}"


def _lease_bar(lease: shard_pb2.LeaseStatus) -> RenderableType:
    return _bar(lease.progress.done_market_count, lease.progress.total_market_count)


_LEASES_COLUMNS: tuple[Column[shard_pb2.LeaseStatus], ...] = (
    Column("lease", _shard, most=34),
    Column("node", lambda row: plain(row.worker_id), most=16),
    Column("for", _purpose, 3),
    Column("", _lease_bar, 2),
    Column("markets", _markets, justify="right"),
    Column("stage", _stage),
    Column("holes", lambda row: count(row.progress.hole_count), 5, justify="right"),
    Column("rows", lambda row: count(row.progress.row_count), 6, justify="right"),
    Column("held", lambda row: brief(row.held), 4, justify="right"),
    Column("runs out", lambda row: f"in {brief(row.expire_after)}" if row.HasField("expire_after") else
           "paused", 7, justify="right"),
    Column("epoch", lambda row: count(row.progress.lease.epoch), 8, justify="right"),
)  # fmt: skip
