"""The grid of a search for better exits as a heat map. Pure."""

import numpy as np

from console.heatmap import Heat
from mesh.types import CENT, CONTRACT
from research.tpsl.grid import Totals


def heat(totals: Totals) -> Heat:
    """Return net cents of one contract: stops along, targets up; NaN where no trade is made."""
    contracts = totals.contracts.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        figures = np.where(contracts > 0, totals.sums.sum(axis=0) / contracts * (CONTRACT / CENT), np.nan)
    targets, stops = (tuple(int(each) / CENT for each in part) for part in (totals.levels.targets, totals.levels.stops))
    return Heat(targets, stops, figures.tolist())
