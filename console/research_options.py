"""What every command of research is told: which recording, how far ahead, whom to ask, where results go."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import click

from console.connection import FILE, connection_options
from console.durations import Duration
from console.moments import Moment
from mesh.kalshi.pasts import PRICE_KINDS, PriceKind

FOLDER = click.Path(path_type=Path, file_okay=False)
DATA = click.Path(path_type=Path, file_okay=False, exists=True)
_TARGET = "A forecast server; without one a server of our own is started."
_CONNECTION = (
    "target",
    "client_file",
    "ca_file",
    "certificate_file",
    "private_key_file",
    "token_file",
    "server_name",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options."""

    series: str
    root: Path
    """The data folder."""
    horizon: timedelta
    step: timedelta
    observed: Path | None
    first: datetime | None
    last: datetime | None
    out: Path
    state: Path | None
    """Of ledger and answers; None is one in the data folder."""
    seed: int | None
    as_json: bool
    connection: Mapping[str, Any]
    """Options that name a server; all None starts one."""

    @property
    def seeded(self) -> dict[str, int]:
        """The seed as a keyword, where one was given."""
        return {} if self.seed is None else {"seed": self.seed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    """How is traded on it."""

    entry_policy: str
    style: str | None
    """Of entries; None is as configured."""
    config: Path | None
    """The trader's file; None takes the defaults."""
    latency: timedelta
    model: str | None
    """Of the server that is started; None is the usual one."""
    price: PriceKind | None
    """What is forecast from; None is as configured."""
    engine: str
    """Where is walked: `local` or `ray`."""
    ray_address: str | None
    """Of the cluster; None is the one that this machine belongs to."""


def research_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options, as one argument `asked`, and the series as its argument."""

    @wraps(command)
    def told(*, horizon: float, **given: Any) -> None:
        connection = {name: given.pop(name) for name in _CONNECTION}
        common = {field.name: given.pop(field.name) for field in fields(Asked) if field.name in given}
        asked = Asked(**common, horizon=timedelta(hours=horizon), connection=connection)
        command(asked=asked, **given)

    decorated: Callable[..., None] = connection_options(told, target=_TARGET)
    hours = click.FloatRange(0, min_open=True)
    observed = "Parquet file of observed highs, to derive results that were not recorded."
    state = "Where ledger and answers are kept.  [default: research in the data folder]"
    seed = "Of whatever is drawn at random.  [default: always the same]"
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs."),
        click.option("--seed", type=click.IntRange(0), help=seed),
        click.option("--state", type=FOLDER, help=state),
        click.option("--out", type=FOLDER, default=Path(), show_default="here", help="Where the files go."),
        click.option("--last", type=Moment(), help="Latest end of a candle, included."),
        click.option("--first", type=Moment(), help="Earliest end of a candle."),
        click.option("--observed", type=FILE, help=observed),
        click.option("--step", type=Duration(), default="60m", show_default=True, help="Length of the candles."),
        click.option("--horizon", type=hours, default=6.0, show_default=True, metavar="HOURS", help="Ahead."),
        click.option("--data", "root", type=DATA, default=Path("data"), show_default="data", help="The data folder."),
        click.argument("series"),
    ):
        decorated = option(decorated)
    return decorated


def spot_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the option that names the path of the underlying."""
    text = "Parquet file of the underlying's path, whose digital forecasts are judged beside (docs/evaluate.md)."
    return click.option("--spot", type=FILE, help=text)(command)


def trading_options(*policies: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of whatever trades on the recording, as one argument `trading`.

    Args:
        policies: Entry policies, the default first.
    """
    words = {
        "live": "by one trader with all its limits",
        "independent": "each time by a trader of its own",
        "predecessor": "once, halfway",
    }
    policy = "After every candle, " + "; ".join(words[name] for name in policies) + "."
    options = (
        click.option("--ray-address", metavar="HOST:PORT", help="Of that cluster.  [default: this machine's]"),
        click.option(
            "--engine",
            type=click.Choice(("local", "ray")),
            default="local",
            show_default=True,
            help="Where is walked: on all cores of this machine, or on an existing Ray cluster.",
        ),
        click.option(
            "--price",
            type=click.Choice(PRICE_KINDS),
            help="What is forecast from: last trades, or the middle of bid and ask.  [default: as configured]",
        ),
        click.option("--model", metavar="NAME", help="Of the server that is started.  [default: fracast]"),
        click.option("--latency", type=Duration(), default="1s", show_default=True, help="Until orders meet the book."),
        click.option("--trader-config", "config", type=FILE, help="The trader's file: rules, entries, sizes, exits."),
        click.option(
            "--style", type=click.Choice(("take", "rest")), help="How entries are placed.  [default: as configured]"
        ),
        click.option(
            "--entry-policy", type=click.Choice(policies), default=policies[0], show_default=True, help=policy
        ),
    )

    def give(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def told(**given: Any) -> None:
            names = (field.name for field in fields(Trading))
            command(trading=Trading(**{name: given.pop(name) for name in names}), **given)

        decorated: Callable[..., None] = told
        for option in options:
            decorated = option(decorated)
        return decorated

    return give
