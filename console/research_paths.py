"""Where research keeps what it writes down, beside the data."""

from pathlib import Path

from research.sealing import refuse_round_about
from research.trials import Ledger

_FOLDER, _LEDGER, _ANSWERS = "research", "trials.jsonl", "answers.sqlite"


def state_folder(data: Path, given: Path | None) -> Path:
    """Return the folder of ledger and answers: the one that was given, else one in the data folder."""
    return data / _FOLDER if given is None else given


def ledger_of(data: Path, given: Path | None, series: str | None = None) -> Ledger:
    """Return the trial ledger. Raises SealProblem where another one, beside the data, seals a series that is named."""
    found = Ledger(state_folder(data, given) / _LEDGER)
    if series is not None:
        refuse_round_about(Ledger(state_folder(data, None) / _LEDGER), found, series)
    return found


def answers_file(data: Path, given: Path | None) -> Path:
    """Return the file of answers that were given before."""
    return state_folder(data, given) / _ANSWERS
