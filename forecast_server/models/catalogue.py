"""From a configuration to its model. Each model's module is imported only when it is asked for: torch takes seconds."""

from collections.abc import Callable, Mapping

from forecast_server.checkpoints import INSTALL, locate
from forecast_server.config import ModelConfig
from forecast_server.models.base import CannotLoad, Model


def make(config: ModelConfig) -> Model:
    """Make the model that the configuration names; it is not loaded yet.

    May take seconds, so it belongs into the thread that loads the model, while the server answers already.

    Raises:
        CannotLoad: a key does not go with the model, or its packages or weights are not on this machine.
    """
    try:
        return _MAKERS[config.name](config)
    except ImportError as error:
        raise CannotLoad(f"{config.name} needs packages that this host lacks ({error}): {INSTALL}") from error


def _random_walk(_: ModelConfig) -> Model:
    from forecast_server.models.random_walk import RandomWalk  # noqa: PLC0415

    return RandomWalk()


def _fracast(config: ModelConfig) -> Model:
    from forecast_server.models.fracast import Fracast  # noqa: PLC0415

    return Fracast(device=config.device, weights_sha256=config.weights_sha256)


def _timesfm_30(config: ModelConfig) -> Model:
    from forecast_server.models.timesfm30 import TimesFM30  # noqa: PLC0415

    return TimesFM30(
        locate(config.name, checkpoint=config.checkpoint, revision=config.revision),
        device=config.device,
        accept_licence=config.accept_licence,
        weights_sha256=config.weights_sha256,
    )


def _timesfm_25(config: ModelConfig) -> Model:
    from forecast_server.models.timesfm25.model import TimesFM25  # noqa: PLC0415

    return TimesFM25(
        locate(config.name, checkpoint=config.checkpoint, revision=config.revision),
        device=config.device,
        precision=config.precision,
        cuda_graphs=config.cuda_graphs,
        weights_sha256=config.weights_sha256,
    )


_MAKERS: Mapping[str, Callable[[ModelConfig], Model]] = {
    "random-walk": _random_walk,
    "fracast": _fracast,
    "timesfm-3.0": _timesfm_30,
    "timesfm-2.5": _timesfm_25,
}
