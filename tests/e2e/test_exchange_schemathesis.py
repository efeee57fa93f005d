"""Calls made up from the exchange's own OpenAPI document, against the simulated exchange in a process of its own.

Every operation that the simulator serves is called with what the document allows and with what it forbids, signed with
a member's key. Half of the calls name markets, events, orders and groups that exist, so that they are not all refused.
Each reply must be as documented, but for the statuses that the document forgets and the exchange sends all the same.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sim_exchange.api.server import ROUTES
from tests.e2e.sdk.exchange import FRESH, PAST, STANDING_STILL, WEATHER, SdkExchange, sdk_exchange
from tests.fakes.exchange_keys import Signer
from tests.fakes.openapi import DOCUMENT, check_error_shape

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DOCUMENT.exists(), reason="the exchange's OpenAPI document is not at hand"),
]

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "16"))
"""Calls of each kind of each operation; more for a long hunt by hand."""
LONGEST_URL = 8000
"""Longer ones are cut off by the web server before any of the exchange's rules sees them."""

RETIRED = {"CreateOrder", "CancelOrder", "AmendOrder", "DecreaseOrder", "BatchCreateOrders", "BatchCancelOrders"}
"""Order writes of version 1: no longer in the document, and answered with 410."""
OPERATIONS = sorted({route.operation for route in ROUTES} - RETIRED)
FOOLPROOF = {
    "GetAccountEndpointCosts",
    "GetEventMetadata",
    "GetExchangeSchedule",
    "GetExchangeStatus",
    "GetHistoricalCutoff",
    "GetHistoricalMarket",
    "GetMarket",
    "GetUserDataTimestamp",
}
"""Operations that ask for nothing, or for any text: there is nothing that the document forbids."""

UNDOCUMENTED = {
    ("CreateOrderV2", 404): "market_not_found, and order groups that are not there",
    ("GetSeries", 404): "the document has only 400 for an unknown series; what the exchange sends is not known",
    ("GetMarketCandlesticksByEvent", 404): "an unknown event",
}
"""Statuses that the document leaves out, with what they are for. 400 is not listed: the exchange refuses unreadable
parameters of every operation with it, `{"msg": …}`, also where the document does not say so."""

KEPT = {"time_in_force", "self_trade_prevention_type", "depth", "limit", "status", "with_nested_markets"}
"""Fields whose made-up values go with things that exist."""


class Signing(requests.auth.AuthBase):
    """Signs a request when everything about it is decided."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        assert request.method is not None
        request.headers.update(self._signer.headers(request.method, request.path_url))
        return request


class Caller:
    """A member who knows what there is."""

    def __init__(self, exchange: SdkExchange, session: requests.Session) -> None:
        self.url = exchange.access("alice").url
        self._session = session
        self._fresh = exchange.fresh(0)

    def call(self, case: Case[Any]) -> schemathesis.Response:
        response = case.call(base_url=self.url, session=self._session)
        assume(len(response.request.url or "") < LONGEST_URL)
        return response

    def known(self, operation: str) -> Mapping[str, st.SearchStrategy[Any]]:
        """Give what exists by the name of the field that asks for it, with orders and groups made for this occasion."""
        ticker = st.sampled_from([self._fresh, f"{WEATHER}-B99.5", f"{WEATHER}-B97.5"])
        if operation in {"GetHistoricalMarket", "GetMarketCandlesticksHistorical"}:
            ticker = st.just(f"{PAST}-B97.5")
        elif operation == "GetMarketCandlesticksByEvent":
            ticker = st.just(WEATHER)
        elif operation == "AmendOrderV2":
            ticker = st.just(self._fresh)
        tickers = st.lists(ticker, min_size=1, max_size=3)
        known: dict[str, st.SearchStrategy[Any]] = {
            "ticker": ticker,
            "event_ticker": st.sampled_from([WEATHER, FRESH]),
            "series_ticker": st.sampled_from(["KXHIGHNY", "KXBTC"]),
            "tickers": tickers if operation == "GetMarketOrderbooks" else tickers.map(",".join),
            "market_tickers": tickers.map(",".join),
            "order_id": st.sampled_from([self._place() for _ in range(8)]),
            "order_group_id": st.sampled_from([self._group() for _ in range(4)]),
            "start_ts": st.just(1783432800 if operation == "GetMarketCandlesticksHistorical" else 1783605600),
            "end_ts": st.just(1783695600),
            "period_interval": st.sampled_from([1, 60, 1440]),
            "price": st.sampled_from(["0.01", "0.4200", "0.99"]),
            "count": st.sampled_from(["1", "2.50", "0.01"]),
            "side": st.just("bid"),
            "reduce_by": st.just("0.5"),
            "contracts_limit": st.integers(1, 1000),
            "amount": st.just(100),
            "source": st.just("event_contract"),
            "destination": st.just("event_contract"),
        }
        return known

    def _place(self) -> str:
        body = {
            "ticker": self._fresh,
            "side": "bid",
            "count": "3",
            "price": "0.05",
            "time_in_force": "good_till_canceled",
            "self_trade_prevention_type": "taker_at_cross",
        }
        return self._made("/portfolio/events/orders", body, "order_id")

    def _group(self) -> str:
        return self._made("/portfolio/order_groups/create", {"contracts_limit": 9}, "order_group_id")

    def _made(self, path: str, body: dict[str, Any], name: str) -> str:
        made = self._session.post(self.url + path, json=body, timeout=5)
        assert made.status_code == 201, made.text
        return str(made.json()[name])


def sensible(draw: Callable[..., Any], known: Mapping[str, st.SearchStrategy[Any]], fields: Any) -> Any:
    """Put what exists in place of what was made up, and leave out what would rule it out again."""
    if isinstance(fields, list):
        return [sensible(draw, known, each) for each in fields]
    if not isinstance(fields, dict):
        return fields
    kept = {name: value for name, value in fields.items() if name in KEPT}
    real = {name: draw(known[name], label=name) for name in fields if name in known}
    if "orders" in fields:
        real["orders"] = sensible(draw, known, fields["orders"])
    return kept | real


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    folder = tmp_path_factory.mktemp("schemathesis")
    with sdk_exchange(folder, STANDING_STILL, alice="ed25519 unlimited") as exchange, requests.Session() as session:
        exchange.archive_until("2026-07-10T00:00:00Z")
        private = load_pem_private_key((folder / "alice.key").read_bytes(), None)
        assert isinstance(private, Ed25519PrivateKey)
        session.auth = Signing(Signer(private, exchange.key_ids["alice"]))
        session.trust_env = False
        yield Caller(exchange, session)


@lru_cache(maxsize=1)
def document() -> Any:
    return yaml.load(DOCUMENT.read_text(), Loader=yaml.CSafeLoader)


@lru_cache(maxsize=1)
def schema() -> Any:
    return schemathesis.openapi.from_dict(document())


def calls(max_examples: int) -> settings:
    """Settings of a search that is the same every time."""
    health = list(HealthCheck)  # most of the time goes into strategies made from large schemas
    phases = [Phase.generate]
    return settings(
        max_examples=max_examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=phases,
        suppress_health_check=health,
    )


def check(case: Case[Any], response: schemathesis.Response, operation: str) -> None:
    """Compare a reply with the document."""
    status = response.status_code
    checks = [not_a_server_error, content_type_conformance, response_headers_conformance, response_schema_conformance]
    if status != 400 and (operation, status) not in UNDOCUMENTED:
        checks.append(status_code_conformance)
    case.validate_response(response, checks=checks)
    if status >= 400:
        check_error_shape(response.json())


@pytest.mark.parametrize("operation", OPERATIONS)
def test_replies_are_as_documented(operation: str, caller: Caller) -> None:
    found, known = schema().find_operation_by_id(operation), caller.known(operation)
    statuses = []

    @calls(2 * EXAMPLES)
    @given(case=found.as_strategy(generation_mode=GenerationMode.POSITIVE), data=st.data())
    def allowed(case: Case[Any], data: st.DataObject) -> None:
        if data.draw(st.booleans(), label="of things that exist"):
            for part in ("path_parameters", "query", "body"):
                setattr(case, part, sensible(data.draw, known, getattr(case, part)))
        response = caller.call(case)
        statuses.append(response.status_code)
        check(case, response, operation)

    allowed()
    assert any(status < 300 for status in statuses), f"never accepted: {sorted(set(statuses))}"


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name not in FOOLPROOF])
def test_what_is_not_allowed_is_refused_politely(operation: str, caller: Caller) -> None:
    found = schema().find_operation_by_id(operation)

    @calls(EXAMPLES)
    @given(case=found.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def forbidden(case: Case[Any]) -> None:
        check(case, caller.call(case), operation)

    forbidden()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_who_shows_no_key_gets_what_is_public(operation: str, caller: Caller) -> None:
    found = schema().find_operation_by_id(operation)
    path = found.path.replace("{", "").replace("}", "")
    answer = requests.request(found.method.upper(), caller.url + path, timeout=5)
    if found.definition.raw.get("security"):
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "token_authentication_failure"
    else:
        assert answer.status_code in {200, 400, 404}, answer.text
