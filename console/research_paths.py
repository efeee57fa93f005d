"""Where research keeps what it writes down, beside the data."""

from pathlib import Path

_FOLDER, _LEDGER, _ANSWERS = "research", "trials.jsonl", "answers.sqlite"


def state_folder(data: Path, given: Path | None) -> Path:
    """Return the folder of ledger and answers: the one that was given, else one in the data folder."""
    return data / _FOLDER if given is None else given


def ledger_file(data: Path, given: Path | None) -> Path:
    """Return the trial ledger's file."""
    return state_folder(data, given) / _LEDGER


def answers_file(data: Path, given: Path | None) -> Path:
    """Return the file of answers that were given before."""
    return state_folder(data, given) / _ANSWERS
