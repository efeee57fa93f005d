"""What is known of an account: its money, its orders and what became of them. Pure."""

from collections.abc import Sequence

from mesh.types import Micros
from sim_exchange.domain.floor import Floor
from sim_exchange.domain.groups import Groups
from sim_exchange.domain.types import Fill, Order, OrderGroup, Position, Settlement


class AccountViews:
    """The part of the exchange that only reads. Lists are in the order in which things happened, records live."""

    def __init__(self, floor: Floor, groups: Groups) -> None:
        self._floor = floor
        self._groups = groups

    def cash(self, account_id: str, shard: int) -> Micros:
        """Tell an account's money on a shard, resting orders not deducted."""
        return self._floor.ledger.trader(account_id).cash.get(shard, Micros(0))

    def available(self, account_id: str, shard: int) -> Micros:
        """Tell what an account can still spend on a shard: cash without what its resting orders lock."""
        return self._floor.ledger.trader(account_id).available(shard)

    @property
    def fees_collected(self) -> Micros:
        """All fees so far, residues of scalar settlements included."""
        return self._floor.ledger.fees

    @property
    def deposited(self) -> Micros:
        """All money ever brought in."""
        return self._floor.ledger.deposits

    def money_held(self) -> Micros:
        """Add up what the invariant is about: all cash, the fees, and one dollar per open contract.

        It equals `deposited`, always.
        """
        return self._floor.ledger.total()

    def orders_of(self, account_id: str) -> Sequence[Order]:
        """Every order ever."""
        return self._floor.ledger.trader(account_id).orders

    def fills_of(self, account_id: str) -> Sequence[Fill]:
        """Every fill ever."""
        return self._floor.ledger.trader(account_id).fills

    def positions_of(self, account_id: str) -> Sequence[Position]:
        """Positions in every market ever traded, settled ones too."""
        return self._floor.ledger.trader(account_id).positions()

    def settlements_of(self, account_id: str) -> Sequence[Settlement]:
        """Every settlement ever."""
        return self._floor.ledger.trader(account_id).settlements

    def groups_of(self, account_id: str) -> Sequence[OrderGroup]:
        """Order groups that are not deleted."""
        return self._groups.of(account_id)

    def client_order_ids_of(self, account_id: str) -> Sequence[str]:
        """Client order ids that are used up, sorted."""
        return sorted(self._floor.ledger.trader(account_id).client_order_ids)

    @property
    def house_accounts(self) -> Sequence[str]:
        """Ids of the simulation's own accounts, whose positions and cash make the sums come out even."""
        return self._floor.ledger.house_ids()
