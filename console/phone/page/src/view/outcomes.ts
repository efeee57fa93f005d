/** What was begun for each position by a sale, in words. Pure. */

import type { FlattenPositionsResponse } from "../gen/foremesh/trader/v1/trader_service_pb.js";
import { FlattenRefusalReason } from "../gen/foremesh/trader/v1/switches_pb.js";
import { cents, contracts } from "./amounts.ts";
import { plain, side, word } from "./words.ts";

/** One market of a sale: what was begun there, and whether it goes on. */
export interface OutcomeLine {
  market: string;
  said: string;
  selling: boolean;
}

/** Say what was begun. `held` tells whether a market's position is still there. */
export function outcomeLines(response: FlattenPositionsResponse, held: (market: string) => boolean): OutcomeLine[] {
  return response.outcomes.map(({ marketTicker, side: of, outcome }) => {
    const line = { market: marketTicker, selling: false };
    switch (outcome.case) {
      case "accepted": {
        const what = `${contracts(outcome.value.countHundredths)} ${side(of)}`;
        const floor = outcome.value.floorPriceMicros;
        const down = floor === undefined ? "" : ` at ${cents(floor)}c or better`;
        const selling = held(marketTicker);
        return { ...line, selling, said: selling ? `selling ${what}${down}` : `${what}: closed` };
      }
      case "noBid":
        return { ...line, said: "no bid: stays, guarded" };
      case "refused": {
        const detail = outcome.value.detail ? `: ${plain(outcome.value.detail)}` : "";
        return { ...line, said: `not sold, ${word(FlattenRefusalReason, outcome.value.reason)}${detail}` };
      }
      default:
        return { ...line, said: "not known to this page" };
    }
  });
}
