"""Amounts of money for people, rounded to cents. Programs get them exact: in JSON, CSV and the journal. Pure."""

from mesh.types import CENT


def dollars(micros: int) -> str:
    """Say an amount: `$1,234.57`, `-$0.52`; `<$0.01` for one that rounds to nothing and is not."""
    cents = (abs(micros) + CENT // 2) // CENT
    if micros and not cents:
        return "<$0.01" if micros > 0 else ">-$0.01"
    return f"{'-' if micros < 0 else ''}${cents // 100:,}.{cents % 100:02d}"


def gain(micros: int) -> str:
    """Say a result with its sign: `+$3.37`, `-$0.52`."""
    return dollars(micros) if micros <= 0 else f"+{dollars(micros)}" if micros >= CENT // 2 else "<+$0.01"
