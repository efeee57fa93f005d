"""Configuration of the trader."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, FiniteFloat, model_validator

from mesh.clock_config import SharedClockConfig
from mesh.config import Strict
from mesh.kalshi.config import SimulatorFirstConfig
from mesh.log import LogConfig
from mesh.rpc.config import Address, ClientConfig, Seconds, ServerConfig
from trader.domain.rules import check_off
from trader.domain.settings import (
    EntrySettings,
    ExitSettings,
    ProtectionSettings,
    RuleSettings,
    Settings,
    SizeSettings,
)
from trader.domain.words import Mode
from trader.paper.config import PaperConfig
from trader.scanning.settings import ScannedSeries, usual_series


def _known_rules(rules: RuleSettings) -> RuleSettings:
    check_off(rules.off)
    return rules


class TraderRpc(ServerConfig):
    """How the trader serves: the mesh's table with its own ports."""

    listen: tuple[Address, ...] = Field(default=("127.0.0.1:8789",), min_length=1)
    """Addresses to listen on. Beyond loopback only with TLS and either client certificates or tokens."""
    grace_seconds: Annotated[FiniteFloat, Field(gt=0, le=10)] = 5.0
    """What calls in progress get to finish when the process stops, after the trading has stopped."""
    metrics_listen: Address | Literal["off"] = "127.0.0.1:9103"
    """Where Prometheus may scrape, loopback only; `off` serves no metrics."""


class LiveConfig(Strict):
    """The two keys that real money needs, turned by hand."""

    i_accept_real_money: bool = False
    """true: orders of this process move real money."""
    confirm_account: str = ""
    """The id of the API key once more, as in `kalshi.key_id`."""
    i_accept_custom_host: bool = False
    """true: with mode `live`, `kalshi.environment` may be `custom`, which is for trials against a simulator."""


class NotifyConfig(Strict):
    """Who is told. Both files hold secrets: mode 0600."""

    url_file: Path | None = None
    """File with URLs of notification services as apprise writes them, one a line: `pover://user@token` is Pushover.
    Absent: messages go to the log."""
    heartbeat_file: Path | None = None
    """File with an https URL that is called every minute while positions are guarded; absent for none."""


class TraderConfig(Strict):
    """One trader."""

    mode: Mode = Mode.PAPER
    """`paper`: fills are reckoned, nothing is sent; `demo`: play money; `live`: real money. Fixed for a journal."""
    live: LiveConfig = LiveConfig()
    """What `live` needs beside."""
    state_folder: Path = Path("trader-state")
    """Where the journal and the kill switch are kept; made if absent. A local disk."""
    journal_file: Path | None = None
    """The journal, one trader per journal; absent is `paper.journal`, `demo.journal` or `live.journal` in the state
    folder."""
    kill_switch_file: Path | None = None
    """While this file exists nothing is entered, and exits go on; absent is `stop` in the state folder."""
    series: tuple[ScannedSeries, ...] = Field(default=usual_series(), min_length=1)
    """What is scanned and traded."""
    scan_seconds: Annotated[Seconds, Field(le=86_400)] = 60.0
    """Longest time from the beginning of a scan to the next one's; a candle that closes begins one as well."""
    useful_seconds: Annotated[Seconds, Field(le=3600)] = 45.0
    """How long after its beginning the answers of a scan are worth anything."""
    reconcile_seconds: Annotated[Seconds, Field(le=600)] = 60.0
    """Between two comparisons of the books with the exchange."""
    group_contracts: Annotated[FiniteFloat, Field(ge=0, le=1_000_000)] = 1000.0
    """Contracts of entries that may be matched within 15 s before the exchange itself ends all others: its kill
    switch, which also works while this process does not. 0 uses none."""
    expectation_file: Path | None = None
    """What a backtest promised, which reports hold against what came (docs/reports.md); absent for none."""
    cancel_on_stop: bool = True
    """Cancel resting entries when the process stops; resting take-profits stay."""
    stop_seconds: Annotated[FiniteFloat, Field(gt=0, le=15)] = 8.0
    """What requests under way get to come to an answer when the process stops."""
    kalshi: SimulatorFirstConfig = SimulatorFirstConfig()
    """Which exchange, and with which key."""
    forecast: ClientConfig = ClientConfig()
    """Where the forecast server is."""
    rpc: TraderRpc = TraderRpc()
    """How the trader serves."""
    paper: PaperConfig = PaperConfig()
    """The paper account."""
    notify: NotifyConfig = NotifyConfig()
    """Who is told."""
    rules: Annotated[RuleSettings, AfterValidator(_known_rules)] = RuleSettings()
    """What a signal must be for an entry."""
    entries: EntrySettings = EntrySettings()
    """How entries are placed."""
    sizes: SizeSettings = SizeSettings()
    """How much is bought."""
    exits: ExitSettings = ExitSettings()
    """How positions are guarded."""
    protections: ProtectionSettings = ProtectionSettings()
    """What stops entries when things go wrong."""
    clock: SharedClockConfig = SharedClockConfig()
    """The time of markets, for trials at a simulated exchange; with the real one it is real time."""
    log: LogConfig = LogConfig()
    """How it logs."""

    @model_validator(mode="after")
    def _time_of_the_exchange(self) -> Self:
        if not self.clock.real and self.kalshi.environment != "custom":
            raise ValueError("clock: another time than real time needs kalshi.environment 'custom'")
        return self

    @model_validator(mode="after")
    def _mode_and_exchange(self) -> Self:
        environment, has_key = self.kalshi.environment, self.kalshi.key_id is not None
        if self.mode is not Mode.PAPER and not has_key:
            raise ValueError(f"mode {self.mode.value} needs kalshi.key_id and kalshi.private_key_file")
        if self.mode is Mode.DEMO and environment == "production":
            raise ValueError("mode demo needs kalshi.environment 'demo' or 'custom': 'production' is real money")
        if self.mode is Mode.LIVE:
            self._check_live()
        return self

    def _check_live(self) -> None:
        if not self.live.i_accept_real_money:
            raise ValueError("mode live needs live.i_accept_real_money = true")
        if self.live.confirm_account != self.kalshi.key_id:
            raise ValueError("mode live needs live.confirm_account to be the same as kalshi.key_id")
        if self.kalshi.environment == "demo":
            raise ValueError("mode live does not go with kalshi.environment 'demo': that is mode demo")
        if self.kalshi.environment == "custom" and not self.live.i_accept_custom_host:
            raise ValueError("mode live needs kalshi.environment 'production', or live.i_accept_custom_host = true")

    @model_validator(mode="after")
    def _series_fit(self) -> Self:
        names = [series.ticker for series in self.series]
        if len(set(names)) < len(names):
            raise ValueError("series: each once")
        if unknown := sorted(set(self.exits.hold_to_settlement) - set(names)):
            raise ValueError(f"exits.hold_to_settlement: {unknown[0]} is none of the series")
        return self

    @model_validator(mode="after")
    def _files_differ(self) -> Self:
        if self.paper.file == self.journal:
            raise ValueError("journal_file and paper.file: two files")
        return self

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        sizes = self.sizes
        for name in ("max_event_dollars", "max_series_dollars", "max_settlement_dollars", "max_total_dollars"):
            if getattr(sizes, name) < sizes.dollars_per_trade:
                raise ValueError(f"sizes.{name}: below dollars_per_trade, so nothing would ever be bought")
        return self

    @property
    def journal(self) -> Path:
        """File of the journal."""
        return self.journal_file or self.state_folder / f"{self.mode.value}.journal"

    @property
    def kill_switch(self) -> Path:
        """File that stops entries."""
        return self.kill_switch_file or self.state_folder / "stop"

    @property
    def settings(self) -> Settings:
        """What the owner sets, as the rules take it."""
        return Settings(
            rules=self.rules,
            entries=self.entries,
            sizes=self.sizes,
            exits=self.exits,
            protections=self.protections,
        )

    @property
    def digest(self) -> str:
        """SHA-256 of everything in it; secrets are in other files."""
        return sha256(self.model_dump_json().encode()).hexdigest()

    def limits(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Give every table of limits by name, for the summary at the start."""
        for name in ("rules", "entries", "sizes", "exits", "protections"):
            yield name, getattr(self, name).model_dump(mode="json")
