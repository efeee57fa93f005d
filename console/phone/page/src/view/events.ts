/** What happened, in a line: console/trading_words.py's `happened` for the page. Pure. */

import { DecisionOutcome } from "../gen/foremesh/trader/v1/decisions_pb.js";
import {
  type Event,
  NotificationDelivery,
  ReconciliationSubject,
  StateChangeKind,
} from "../gen/foremesh/trader/v1/events_pb.js";
import { type Order, OrderAction, OrderState } from "../gen/foremesh/trader/v1/orders_pb.js";
import { ExitKind } from "../gen/foremesh/trader/v1/positions_pb.js";
import { Verdict } from "../gen/foremesh/trader/v1/rules_pb.js";
import { TradingState } from "../gen/foremesh/trader/v1/status_pb.js";
import { cents, contracts, gain, money } from "./amounts.ts";
import { general } from "./figures.ts";
import { seconds } from "./screen.ts";
import { figure, plain, side, spanWords, spaced, word } from "./words.ts";

/** Say what happened. */
export function happened(event: Event): string {
  return plain(said(event.payload));
}

/** Say a working order. */
export function orderWords(order: Order): string {
  const what = `${word(OrderAction, order.action)} ${contracts(order.countHundredths)} ${side(order.side)}`;
  const filled = order.filledHundredths ? `, ${contracts(order.filledHundredths)} filled` : "";
  const why = order.detail ? `: ${order.detail}` : "";
  return plain(`${what} at ${cents(order.limitPriceMicros)}c is ${word(OrderState, order.state)}${filled}${why}`);
}

function said(payload: Event["payload"]): string {
  switch (payload.case) {
    case "scanStarted":
      return `scan of ${payload.value.marketCount} markets`;
    case "scanFinished": {
      const found = payload.value;
      const head = `scan: ${found.marketCount} markets in ${spanWords(seconds(found.duration))}`;
      const lost = found.failedCount + found.expiredCount;
      return `${head}, ${found.signalCount} signals, ${found.entryCount} entered, ${lost} without an answer`;
    }
    case "signal": {
      const found = payload.value;
      return `${found.marketTicker}: signal for ${side(found.side)}, ${general(found.signal?.magnitudeCents ?? 0)}c`;
    }
    case "decision": {
      const found = payload.value;
      const head = `${found.marketTicker} ${side(found.side)}`;
      if (found.outcome === DecisionOutcome.ENTER && found.plan) {
        const plan = found.plan;
        return `${head}: ENTER ${contracts(plan.countHundredths)} at ${cents(plan.limitPriceMicros)}c or better`;
      }
      const refused = found.verdicts.filter((verdict) => verdict.verdict === Verdict.REFUSED);
      const why = refused.map((v) => `${spaced(v.rule)} (${v.figure ? figure(v.figure) : "not known"})`);
      return `${head}: refused by ${why.join(", ")}`;
    }
    case "order":
      return payload.value.order ? `${payload.value.order.marketTicker}: ${orderWords(payload.value.order)}` : "order";
    case "fill": {
      const found = payload.value;
      const what = `${word(OrderAction, found.action)} ${contracts(found.countHundredths)} ${side(found.side)}`;
      return `${found.marketTicker}: filled, ${what} at ${cents(found.priceMicros)}c, fee ${money(found.feeMicros)}`;
    }
    case "exit": {
      const found = payload.value;
      const what = `${contracts(found.countHundredths)} ${side(found.side)}`;
      return `${found.marketTicker}: EXIT ${word(ExitKind, found.kind)} of ${what}`;
    }
    case "settlement":
      return `${payload.value.marketTicker}: settled, paid ${money(payload.value.revenueMicros)}`;
    case "trade": {
      const found = payload.value;
      return `${found.marketTicker}: closed by ${word(ExitKind, found.exitKind)}, net ${gain(found.netMicros)}`;
    }
    case "stateChange": {
      const found = payload.value;
      const who = found.actor?.name ? ` by ${found.actor.name}` : "";
      const why = found.reason ? `: ${found.reason}` : "";
      return `${word(StateChangeKind, found.kind)}${who}${why}; the trader is ${word(TradingState, found.state)}`;
    }
    case "reconciliationDifference": {
      const found = payload.value;
      const [ours, theirs] = [found.trader, found.exchange].map((side) => (side ? figure(side) : "nothing"));
      const where = found.marketTicker ? `${found.marketTicker}: ` : "";
      return `${where}${word(ReconciliationSubject, found.subject)} DIFFERS: ours ${ours}, the exchange's ${theirs}`;
    }
    case "notification":
      return `${word(NotificationDelivery, payload.value.delivery)}: ${payload.value.title}`;
    default:
      return "something newer than this page";
  }
}
