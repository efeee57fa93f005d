"""Order groups: orders that end together when too much is matched at once. Pure."""

from msgspec import field

from mesh.kalshi.rest.wire import Body, Count, Id, Record, Whole


class OrderGroup(Record, frozen=True):
    """A group, as the list shows it."""

    group_id: Id = field(name="id")
    is_auto_cancel_enabled: bool
    contracts_limit: Count | None = field(name="contracts_limit_fp", default=None)
    exchange_index: Whole | None = None


class OrderGroups(Record, frozen=True):
    """Body of the list; the exchange may leave an empty list out."""

    groups: tuple[OrderGroup, ...] | None = field(name="order_groups", default=None)


class OrderGroupState(Record, frozen=True):
    """A group with its orders."""

    is_auto_cancel_enabled: bool
    order_ids: tuple[str, ...] = field(name="orders")
    contracts_limit: Count | None = field(name="contracts_limit_fp", default=None)
    exchange_index: Whole | None = None


class CreateGroupRequest(Body, frozen=True):
    """A new group."""

    contracts_limit_fp: str
    subaccount: int | None = None
    exchange_index: int | None = None


class GroupCreated(Record, frozen=True):
    """A group was created."""

    order_group_id: Id
    subaccount: Whole
    exchange_index: Whole | None = None


class GroupLimitRequest(Body, frozen=True):
    """A new limit."""

    contracts_limit_fp: str


class Nothing(Record, frozen=True):
    """A body that says only that it was done."""


class EmptyRequest(Body, frozen=True):
    """A body that says nothing."""
