"""Which answers are the same: whatever may change one changes its digest."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from research.answering import Answering, Digests
from research.questions import QuestionPlan

WHO = Answering(
    model="held", weights_digest="a" * 64, code_version="1", device="cpu", precision="float32", policy_digest="b" * 64
)
PLAN = QuestionPlan()


def test_equal_questions_to_equal_servers_have_equal_digests() -> None:
    assert Digests(WHO, PLAN).of(b"asked") == Digests(replace(WHO), replace(PLAN)).of(b"asked")


@pytest.mark.parametrize("name", [field.name for field in fields(Answering)])
def test_whoever_answers_is_part_of_it(name: str) -> None:
    assert Digests(replace(WHO, **{name: "other"}), PLAN).of(b"asked") != Digests(WHO, PLAN).of(b"asked")


@pytest.mark.parametrize(
    "plan", [replace(PLAN, horizon_steps=7), replace(PLAN, step=timedelta(minutes=1)), replace(PLAN, levels=(0.5,))]
)
def test_how_it_is_asked_is_part_of_it(plan: QuestionPlan) -> None:
    assert Digests(WHO, plan).of(b"asked") != Digests(WHO, PLAN).of(b"asked")


def test_what_is_asked_is_part_of_it() -> None:
    digests = Digests(WHO, PLAN)
    assert digests.of(b"asked") != digests.of(b"asked otherwise")
