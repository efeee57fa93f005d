from console.connection import server_words
from mesh.errors import Denied
from mesh.rpc.config import ClientConfig


def test_a_role_that_may_not_is_told_which_role_may() -> None:
    config = ClientConfig(targets=("127.0.0.1:8789",))
    error = Denied("role viewer may not call /a.B/C", metadata={"role": "viewer", "allowed": "operator,trader"})
    said = server_words(error, config, name="trader", option="--trader")
    assert said == (
        "ROLE_FORBIDDEN: role viewer may not call /a.B/C; that takes the role operator or trader: "
        "show another certificate or token"
    )


def test_a_refusal_that_no_role_would_lift_is_passed_on() -> None:
    config = ClientConfig(targets=("127.0.0.1:8789",))
    error = Denied("channelz answers on loopback only", reason="LOOPBACK_ONLY")
    assert server_words(error, config) == "LOOPBACK_ONLY: channelz answers on loopback only"
