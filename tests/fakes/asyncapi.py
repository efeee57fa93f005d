"""The exchange's AsyncAPI document as a judge of WebSocket messages, where it is at hand."""

from functools import cache
from typing import Any

import jsonschema
import yaml

from tests.conftest import ROOT

PATH = ROOT.parent / "shared" / "reference" / "kalshi-asyncapi.yaml"

# By `type`; an `ok` may be the confirmation of a change or the list of subscriptions.
_PAYLOADS = {
    "subscribed": ("subscribedResponsePayload",),
    "unsubscribed": ("unsubscribedResponsePayload",),
    "ok": ("okResponsePayload", "listSubscriptionsResponsePayload"),
    "error": ("errorResponsePayload",),
    "orderbook_snapshot": ("orderbookSnapshotPayload",),
    "orderbook_delta": ("orderbookDeltaPayload",),
    "ticker": ("tickerPayload",),
    "trade": ("tradePayload",),
    "fill": ("fillPayload",),
    "user_order": ("userOrderPayload",),
    "market_position": ("marketPositionPayload",),
    "market_lifecycle_v2": ("marketLifecycleV2Payload", "marketMetadataUpdatedPayload"),
    "event_lifecycle": ("eventLifecyclePayload",),
    "event_fee_update": ("eventFeeUpdatePayload",),
    "order_group_updates": ("orderGroupUpdatesPayload",),
}


class Contract:
    """The document's schemas, closed: what it does not name is a mistake."""

    def __init__(self, text: str) -> None:
        schemas = yaml.safe_load(text)["components"]["schemas"]
        self.schemas: dict[str, Any] = {name: _closed(schema) for name, schema in schemas.items()}

    def check(self, message: dict[str, Any]) -> None:
        """Raise unless the message is one of those that the document allows for its type."""
        problems = [list(self._validator(name).iter_errors(message)) for name in _PAYLOADS[message["type"]]]
        if all(problems):
            raise AssertionError(f"{message} is not as documented: {[error.message for error in problems[0]]}")

    @cache  # noqa: B019  there is one contract in a process
    def _validator(self, name: str) -> jsonschema.Draft202012Validator:
        schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": self.schemas}}
        return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


@cache
def document() -> Contract | None:
    """Read the document, once; None where it is not at hand."""
    return Contract(PATH.read_text()) if PATH.exists() else None


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    if "properties" in closed:
        closed["additionalProperties"] = False
    return closed
