"""Configuration of the phone's gateway."""

from ipaddress import ip_address
from typing import Self

from pydantic import model_validator

from mesh.config import Strict
from mesh.log import LogConfig
from mesh.rpc.config import Address, ClientConfig


class PhoneConfig(Strict):
    """Where the page is, and whose trader it shows."""

    listen: Address = "127.0.0.1:8794"
    """Where browsers find the page. Loopback only: there is no signing in yet."""
    trader: ClientConfig = ClientConfig(targets=("127.0.0.1:8789",))
    """The trader."""
    log: LogConfig = LogConfig()

    @model_validator(mode="after")
    def _on_loopback(self) -> Self:
        host = self.listen.rpartition(":")[0].strip("[]")
        try:
            here = host == "localhost" or ip_address(host).is_loopback
        except ValueError:
            here = False
        if not here:
            raise ValueError(
                f"listen: {self.listen} is beyond loopback, where the page needs signing in, which is not built"
            )
        return self
