"""Names that are the same however often they are made: a crash between two tries never makes a second order. Pure."""

from uuid import UUID, uuid5

_ORDERS = UUID("5d2c2a4e-0c0c-5a67-8f2e-7b8a6e0b0c31")


def decision_id(journal_id: str, scan_id: str, ticker: str) -> str:
    """Name the decision about one market of one scan."""
    return "d-" + uuid5(_ORDERS, f"{journal_id}/decision/{scan_id}/{ticker}").hex[:24]


def position_id(journal_id: str, decision: str) -> str:
    """Name the position that a decision opens."""
    return "p-" + uuid5(_ORDERS, f"{journal_id}/position/{decision}").hex[:24]


def exit_id(journal_id: str, position: str, number: int) -> str:
    """Name the `number`th exit decision of a position."""
    return "x-" + uuid5(_ORDERS, f"{journal_id}/exit/{position}/{number}").hex[:24]


def client_order_id(journal_id: str, decision: str, leg: int) -> str:
    """Name the order that is one leg of a decision: a UUID, which the exchange takes once, ever."""
    return str(uuid5(_ORDERS, f"{journal_id}/order/{decision}/{leg}"))


def block_id(journal_id: str, sequence: int, what: str) -> str:
    """Name a block that begins after an entry."""
    return "b-" + uuid5(_ORDERS, f"{journal_id}/block/{sequence}/{what}").hex[:24]


def notification_id(journal_id: str, sequence: int, key: str) -> str:
    """Name a notification that is made after an entry."""
    return "n-" + uuid5(_ORDERS, f"{journal_id}/notice/{sequence}/{key}").hex[:24]
