"""Configuration of the simulated exchange."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from mesh.clock_config import ClockConfig, Instant
from mesh.config import Strict
from mesh.log import LogConfig
from mesh.rpc.config import Address, is_loopback
from mesh.types import Micros, micros_from_dollars
from sim_exchange.faults import FaultRule
from sim_exchange.quirks import Quirks
from sim_exchange.sources.generated.config import GeneratedConfig
from sim_exchange.sources.recorded import RecordedConfig


def _money(text: str) -> str:
    if micros_from_dollars(text) < 0:
        raise ValueError("must not be negative")
    return text


Dollars = Annotated[str, AfterValidator(_money)]
"""Money as text, such as `1000.00`."""


class ExchangeClockConfig(ClockConfig):
    """The exchange's time. Signatures and request budgets always go by this machine's clock."""

    start: Instant | None = None
    """When the exchange's time begins at the first start; absent is now, or the beginning of a recording. Without
    `since` a later start goes on where the last one ended, except that a real-time exchange (speed 1, no start) always
    lives now."""

    @model_validator(mode="after")
    def _begins(self) -> Self:
        if self.since is not None and self.start is None:
            raise ValueError("since needs start")
        return self


class CertificateConfig(Strict):
    """What the exchange shows to its clients."""

    certificate_file: Path
    """PEM certificate chain."""
    private_key_file: Path
    """PEM private key of the certificate, mode 0600."""


class AccountConfig(Strict):
    """A member that exists from the first start. More are added by `foremesh exchange account add`."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    """Name, for people."""
    key_id: str = Field(min_length=1, max_length=64)
    """The API key's id, as its owner sends it."""
    public_key_file: Path
    """PEM public key that belongs to the owner's private key: RSA or Ed25519."""
    cash_dollars: Dollars = "1000.00"
    """Money it starts with."""
    shard_cash_dollars: dict[str, Dollars] = Field(default_factory=dict)
    """Money on further shards, by shard number; absent is none."""
    tier: Literal["basic", "advanced", "expert", "premier", "paragon", "prime", "prestige", "unlimited"] = "basic"
    """Its request budget: one of the exchange's tiers, or `unlimited` for load tests."""
    balance_precision: Literal["0.0001", "0.01"] = "0.0001"
    """Steps of its balance: direct members have a hundredth of a cent, those behind a broker a cent."""
    scopes: tuple[Literal["read", "write"], ...] = ("read", "write")
    """What its key may do."""


class ExchangeConfig(Strict):
    """One simulated exchange."""

    listen: Address = "127.0.0.1:8790"
    """Where REST and WebSocket are served. Beyond loopback only with TLS."""
    tls: CertificateConfig | None = None
    """Certificate; without it plain text, loopback only. Callers are known by their API keys, as on Kalshi."""
    admin_listen: Address | Literal["off"] = "127.0.0.1:9104"
    """Faults, pauses, results and health for whoever is on this machine; loopback only. `off` serves none."""
    state_folder: Path | None = Path("exchange-state")
    """Where accounts, orders and trades are kept over restarts; made if absent."""
    seed: int = Field(default=1, ge=0)
    """Decides every order id and every fault: the same seed and the same requests give the same outcome."""
    source: Annotated[GeneratedConfig | RecordedConfig, Field(discriminator="kind")] = GeneratedConfig()
    """Where markets come from."""
    clock: ExchangeClockConfig = ExchangeClockConfig()
    """The exchange's time."""
    weekly_pause: bool = True
    """Trading pauses on Thursdays from 03:00 to 05:00 in New York, as on Kalshi."""
    cash_per_shard: bool = False
    """Series keep the exchange's own shards (crypto on 2), so that cash has to be where the market is. Off puts
    everything on shard 0."""
    quirks: Quirks = Quirks()
    """Where the real exchange's behaviour is unconfirmed."""
    faults: tuple[FaultRule, ...] = ()
    """Faults from the first moment on; more are made by the admin address."""
    accounts: tuple[AccountConfig, ...] = ()
    """Members that exist from the first start."""
    log: LogConfig = LogConfig()
    """How it logs."""

    @model_validator(mode="after")
    def _refuse_open_doors(self) -> Self:
        if self.tls is None and not is_loopback(self.listen):
            raise ValueError(f"{self.listen} needs tls: beyond loopback nothing is served in the clear")
        if self.admin_listen != "off" and not is_loopback(self.admin_listen):
            raise ValueError("admin_listen must be a loopback address: it has no authentication")
        for name in ("name", "key_id"):
            values = [getattr(account, name) for account in self.accounts]
            if len(values) != len(set(values)):
                raise ValueError(f"accounts: each {name} once")
        return self

    def deposits(self, account: AccountConfig) -> dict[int, Micros]:
        """Give an account's money in micros by shard."""
        rest = {int(shard): micros_from_dollars(text) for shard, text in account.shard_cash_dollars.items()}
        return {0: micros_from_dollars(account.cash_dollars)} | rest


def precision_micros(account: AccountConfig) -> Micros:
    """Give the step of an account's balance in micros."""
    return micros_from_dollars(account.balance_precision)
