/** The lowest price that a person sells at, in steps of a cent. Pure. */

import { CENT } from "./amounts.ts";

const BELOW_BID = 3n * CENT;
const LEAST = CENT;
const MOST = 99n * CENT;

/** Offer a floor: a little below the bid that is shown; without one the trader's own, which null stands for. */
export function firstFloor(bid: bigint | null): bigint | null {
  if (bid === null) return null;
  const whole = ((bid - BELOW_BID) / CENT) * CENT;
  return whole < LEAST ? LEAST : whole;
}

/** Move a floor by a cent. Below a cent it is the trader's own; from there up it begins at the bid, or a cent. */
export function movedFloor(floor: bigint | null, up: boolean, bid: bigint | null): bigint | null {
  if (floor === null) return up ? (bid === null ? LEAST : firstFloorAt(bid)) : null;
  const moved = floor + (up ? CENT : -CENT);
  return moved < LEAST ? null : moved > MOST ? MOST : moved;
}

function firstFloorAt(bid: bigint): bigint {
  const whole = (bid / CENT) * CENT;
  return whole < LEAST ? LEAST : whole;
}
