"""Who answers: the model, the policy and the software that decide what a forecast server says of a question."""

import asyncio
import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

from foremesh.forecast.v1 import model_pb2

from mesh.errors import NotReady, Unavailable
from mesh.forecasts import ForecastClient
from research.questions import QuestionPlan

_DIGEST_BYTES = 16
_LOOK_SECONDS = 0.5
_START_SECONDS = 600.0
"""A large model reads its weights and measures its batches."""
_SHORT = 12
"""Characters of a digest in a forecast's provenance."""


@dataclass(frozen=True)
class Answering:
    """Who answers: equal ones give equal answers to equal questions."""

    model: str
    weights_digest: str
    code_version: str
    device: str
    precision: str
    policy_digest: str

    @cached_property
    def provenance(self) -> tuple[str, str]:
        """Model and policy, as its answers name them."""
        return f"{self.model}@{self.weights_digest[:_SHORT]}", self.policy_digest[:_SHORT]


class Digests:
    """Digests of questions: of what is asked, how, and who answers."""

    def __init__(self, answering: Answering, plan: QuestionPlan) -> None:
        who = [answering.model, answering.weights_digest, answering.code_version, answering.device]
        text = json.dumps([*who, answering.precision, answering.policy_digest])
        asked = plan.options().SerializeToString(deterministic=True)
        self._begun: Any = blake2b(text.encode() + b"\n" + asked + b"\n", digest_size=_DIGEST_BYTES)

    def of(self, history: bytes) -> bytes:
        """Digest a question, a MarketHistory on the wire."""
        digest = self._begun.copy()
        digest.update(history)
        return bytes(digest.digest())


async def answering(client: ForecastClient) -> Answering:
    """Ask who answers; a model that is still loading is waited for. Raises MeshError."""
    model = await _loaded(client)
    if model.state == model_pb2.MODEL_STATE_FAILED:
        raise NotReady(f"the forecast server's model failed: {model.state_detail}", reason="MODEL_FAILED")
    policies = await client.exit_policies()
    identity = model.identity
    return Answering(
        model=identity.name,
        weights_digest=identity.weights_digest,
        code_version=identity.code_version,
        device=model.device,
        precision=model.precision,
        policy_digest=policies[0].policy_digest,
    )


async def _loaded(client: ForecastClient) -> model_pb2.Model:
    try:
        async with asyncio.timeout(_START_SECONDS):
            while True:
                model = await client.model()
                if model.state != model_pb2.MODEL_STATE_LOADING:
                    return model
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise Unavailable("the forecast server's model is still loading", reason="MODEL_LOADING") from None
