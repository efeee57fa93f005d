"""The one place that downloads: a model's weights, from the hub, when a person asks for them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from forecast_server.checkpoints import INSTALL, WEIGHTS_FILE, Checked, CheckpointError, check, needs, weights_file

_LOOK_UP_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What the hub offers for a model."""

    repository: str
    commit: str
    size_bytes: Mapping[str, int]
    """Of each file."""
    sha256: str
    """Of the weights, as the hub states it; empty where it does not."""


def fetch(
    name: str, *, revision: str = "main", to: Path | None = None, announce: Callable[[Offer], None] = lambda _: None
) -> Checked:
    """Download a model's weights and check them. Nothing else in the project downloads.

    Args:
        name: of the model.
        revision: branch, tag or commit.
        to: folder to put the files in; absent is the hub's cache.
        announce: is told what is about to be downloaded.

    Raises:
        CheckpointError: there is nothing to fetch, the hub cannot be reached or refuses, or what came is damaged.
    """
    needed = needs(name)
    if not needed.repository:
        why = "they come with its package" if needed.bundled else "it has none"
        raise CheckpointError(f"there are no weights of {name} to fetch: {why}")
    with _hub(needed.repository, revision):
        from huggingface_hub import HfApi, snapshot_download  # noqa: PLC0415  # as above

        # Asked first because the download alone would take a stale copy for an answer where the hub does not give one.
        found = HfApi().model_info(needed.repository, revision=revision, files_metadata=True, timeout=_LOOK_UP_SECONDS)
        files = {entry.rfilename: entry for entry in found.siblings or () if entry.rfilename in needed.files}
        if absent := [file for file in needed.files if file not in files]:
            raise CheckpointError(f"{needed.repository} has no {' and no '.join(absent)} at {revision}")
        large = files[WEIGHTS_FILE].lfs
        offer = Offer(
            repository=needed.repository,
            commit=found.sha or "",
            size_bytes={file: entry.size or 0 for file, entry in files.items()},
            sha256=large.sha256 if large else "",
        )
        announce(offer)
        place = snapshot_download(needed.repository, revision=revision, allow_patterns=list(needed.files), local_dir=to)
    checked = check(weights_file(Path(place)), {"the hub": offer.sha256})
    if checked.problems:
        raise CheckpointError(
            f"{checked.file} is damaged: it has SHA-256 {checked.sha256}, but {' and '.join(checked.problems)}. "
            f"Remove {checked.file.resolve()} and fetch again."
        )
    return checked


@contextmanager
def _hub(repository: str, revision: str) -> Iterator[None]:
    """Turn whatever the hub's library raises into one line that says what to do."""
    try:
        from huggingface_hub import errors  # noqa: PLC0415  # only hosts that fetch need it
    except ImportError as error:
        raise CheckpointError(f"the hub's library is not installed: {INSTALL}") from error
    page = f"https://huggingface.co/{repository}"
    try:
        yield
    except CheckpointError:
        raise
    except errors.GatedRepoError as error:
        text = f"{repository} is for those who accepted its licence: do so at {page}, then log in with `hf auth login`"
        raise CheckpointError(text) from error
    except errors.RevisionNotFoundError as error:
        raise CheckpointError(f"{repository} has no revision {revision}") from error
    except errors.RepositoryNotFoundError as error:
        raise CheckpointError(
            f"the hub shows no {repository} to you: look at {page}, or log in with `hf auth login`"
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise CheckpointError("HF_HUB_OFFLINE is set: nothing can be fetched") from error
    except Exception as error:  # its transport is another library with every version, and so are the errors
        reason = str(error).partition("\n")[0] or "no reason given"
        raise CheckpointError(f"cannot fetch {repository}: {type(error).__name__}: {reason}") from error
