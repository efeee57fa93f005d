/** A scripted trader for tests of the page: three positions, a scan, and what was asked of it. */

import { create, fromJson, type JsonObject } from "@bufbuild/protobuf";
import {
  type FlattenPositionsRequest,
  type FlattenPositionsResponse,
  FlattenPositionsResponseSchema,
  type WatchStateResponse,
  WatchStateResponseSchema,
} from "../../src/gen/foremesh/trader/v1/trader_service_pb.js";

/** How the scripted trader is to be. A test sets it over HTTP. */
export interface Manner {
  mode: "PAPER" | "DEMO" | "LIVE";
  /** What becomes of a change: answered, refused, carried out without an answer, or no answer at all. */
  change: "answer" | "refuse" | "lose" | "hang";
  /** Ages of prices at sending; `stale` says of which position they are old. */
  stale: string[];
  signedOut: boolean;
}

const HOLDINGS = [
  { id: "p-1", ticker: "KXHIGHNY-26NOV22-B41.5", title: "NY high 41-42°", count: 700, paid: 41, bid: 43, net: -100_000 },
  { id: "p-2", ticker: "KXHIGHCHI-26NOV22-B38.5", title: "Chicago high 38-39°", count: 500, paid: 55, bid: 58, net: 42_000 },
  { id: "p-3", ticker: "KXBTC-26NOV2217-T98000", title: "BTC ≥ 98,000, 5pm", count: 400, paid: 62, bid: null, net: null },
] as const;

/** The scripted trader. */
export class World {
  manner: Manner = { mode: "PAPER", change: "answer", stale: [], signedOut: false };
  /** Every change that was asked for, repeated ones too. */
  asked: { method: string; requestId: string; tickers: string[]; floor: string | null }[] = [];
  held = new Set<string>(HOLDINGS.map(({ id }) => id));
  paused = false;
  #bid = 43;

  /** Everything as it is. */
  snapshot(): WatchStateResponse {
    const positions = HOLDINGS.filter(({ id }) => this.held.has(id)).map((found) => this.#position(found));
    return message({
      streamAge: "0s",
      snapshot: { status: this.#status(), positions, orders: ORDERS, markets: MARKETS, funnel: FUNNEL, log: LOG },
    });
  }

  /** What has changed since: one bid walks, all else is confirmed. */
  delta(age: number): WatchStateResponse {
    this.#bid = this.#bid === 43 ? 44 : 43;
    const positions = HOLDINGS.filter(({ id }) => this.held.has(id)).map((found) => this.#position(found));
    const closedPositionIds = HOLDINGS.map(({ id }) => id).filter((id) => !this.held.has(id));
    const numbers = MARKETS.map(({ number }) => number);
    return message({
      streamAge: `${age.toFixed(3)}s`,
      delta: { status: this.#status(), positions, closedPositionIds, confirmed: [{ age: "0.100s", numbers }] },
    });
  }

  /** Carry out a sale, and say what was begun. */
  flatten(request: FlattenPositionsRequest): FlattenPositionsResponse {
    const wanted = HOLDINGS.filter(
      ({ id, ticker }) =>
        this.held.has(id) && (request.marketTickers.length === 0 || request.marketTickers.includes(ticker)),
    );
    const outcomes = wanted.map(({ id, ticker, count, bid }) => ({
      marketTicker: ticker,
      positionId: id,
      side: "CONTRACT_SIDE_NO",
      ...(bid === null
        ? { noBid: { decisionId: `d-${id}`, floorPriceMicros: "10000" } }
        : { accepted: { decisionId: `d-${id}`, countHundredths: String(count), floorPriceMicros: "400000" } }),
    }));
    setTimeout(() => {
      for (const { id, bid } of wanted) if (bid !== null) this.held.delete(id);
    }, 1500);
    return fromJson(FlattenPositionsResponseSchema, {
      instanceId: "i-1",
      sequence: "77",
      state: "TRADING_STATE_PAUSED",
      outcomes,
    });
  }

  #status(): JsonObject {
    const block = {
      blockId: "b-1",
      kind: "BLOCK_KIND_PAUSE",
      actor: { kind: "ACTOR_KIND_CALLER", name: "phone" },
      reason: "phone page",
      startTime: "2026-11-22T19:00:00Z",
      liftable: true,
    };
    const link = (kind: string, age: string, health = "UP"): JsonObject => ({
      kind: `LINK_KIND_${kind}`,
      health: `LINK_HEALTH_${health}`,
      age,
      lateAfter: "15s",
    });
    return {
      mode: `TRADING_MODE_${this.manner.mode}`,
      state: this.paused ? "TRADING_STATE_PAUSED" : "TRADING_STATE_RUNNING",
      blocks: this.paused ? [block] : [],
      exchangeState: "EXCHANGE_STATE_OPEN",
      links: [link("EXCHANGE", "0.200s"), link("EXIT_LOOP", "1.100s"), link("FORECAST_SERVER", "41s")],
      staleness: { quoteFreshWithin: "2s", quoteStaleAfter: "5s", forecastStaleAfter: "90s" },
      balance: { availableMicros: "487260000", stakeMicros: "8100000", liquidationMicros: "5790000" },
      pnlToday: { grossRealisedMicros: "-250000", feesMicros: "120000", netRealisedMicros: "-370000" },
      pnlTotal: {},
      positionCount: this.held.size,
      workingOrderCount: 1,
      lastScan: { scanId: "s-1", age: "41s", marketCount: 212, signalCount: 3, entryCount: 1 },
      codeVersion: "0.1.0",
      configDigest: "0".repeat(64),
      uptime: "3600s",
    };
  }

  #position(found: (typeof HOLDINGS)[number]): JsonObject {
    const { id, ticker, title, count, paid, net } = found;
    const bid = id === "p-1" ? this.#bid : found.bid;
    const [event = "", series = ""] = [ticker.replace(/-[^-]+$/, ""), ticker.split("-")[0]];
    const priced: JsonObject =
      bid === null || net === null
        ? {}
        : {
            bidPriceMicros: String(bid * 10_000),
            bidSizeHundredths: "8400",
            liquidationMicros: "2890000",
            unrealisedMicros: String(net),
          };
    return {
      positionId: id,
      marketTicker: ticker,
      eventTicker: event,
      seriesTicker: series,
      title,
      side: "CONTRACT_SIDE_NO",
      state: bid === null ? "POSITION_STATE_NO_BID" : "POSITION_STATE_GUARDED",
      countHundredths: String(count),
      costMicros: String(paid * count * 100),
      meanEntryPriceCents: paid,
      plan: { takeProfitPriceMicros: String((paid + 20) * 10_000) },
      guard: { stopInForceMicros: String((paid - 3) * 10_000), stopHitsNeeded: 2 },
      mark: { confirmedAge: this.manner.stale.includes(id) ? "14s" : "0.300s", ...priced },
      decisionId: `d-${id}`,
      openTime: "2026-11-22T19:00:00Z",
      sequence: "40",
    };
  }
}

/** A pause, answered. */
export const PAUSED = {
  instanceId: "i-1",
  sequence: "78",
  state: "TRADING_STATE_PAUSED",
  block: {
    blockId: "b-1",
    kind: "BLOCK_KIND_PAUSE",
    actor: { kind: "ACTOR_KIND_CALLER", name: "phone" },
    startTime: "2026-11-22T19:00:00Z",
  },
};

function message(content: JsonObject): WatchStateResponse {
  const head = { instanceId: "i-1", journalId: "j-1", asOfSequence: "41" };
  return create(WatchStateResponseSchema, fromJson(WatchStateResponseSchema, { ...head, ...content }));
}

function market(number: number, title: string, decision: JsonObject): { number: number } & JsonObject {
  return {
    number,
    marketTicker: `KXHIGHLAX-26NOV22-B${number}.5`,
    eventTicker: "KXHIGHLAX-26NOV22",
    seriesTicker: "KXHIGHLAX",
    title,
    takesOrders: true,
    noMark: { bidPriceMicros: "420000", askPriceMicros: "440000", confirmedAge: "0.300s" },
    scanId: "s-1",
    scanOutcome: "SCAN_OUTCOME_SIGNAL",
    signal: {
      direction: "DIRECTION_DOWN",
      magnitudeCents: 7.2,
      confidence: "CONFIDENCE_MEDIUM_HIGH",
      side: "CONTRACT_SIDE_NO",
      currentCents: 57,
      forecastMeanCents: 49.8,
      horizon: "21600s",
      age: "41s",
      usefulFor: "3000s",
    },
    decision,
  };
}

const refused = (rule: string, cents: number, most: number, count = 1): JsonObject => ({
  decisionId: "d-9",
  outcome: "DECISION_OUTCOME_REFUSED",
  refusal: { rule, verdict: "VERDICT_REFUSED", figure: { cents }, bounds: { atMost: { cents: most } } },
  refusalCount: count,
  age: "40s",
});
const MARKETS = [
  market(70, "LA high 70-71°", { decisionId: "d-8", outcome: "DECISION_OUTCOME_ENTER", expectedEdgeCents: 1.84, age: "40s" }),
  market(72, "LA high 72-73°", refused("spread", 12, 10)),
  market(74, "LA high 74-75°, a market whose title is long enough for two lines of a phone", refused("price", 97, 90, 3)),
];
const step = (rule: string, reached: string, first: string): JsonObject => ({ rule, reachedCount: reached, refusedFirstCount: first });
const FUNNEL = {
  scanCount: "1",
  marketCount: "212",
  signalCount: "31",
  decisionCount: "31",
  entryCount: "1",
  steps: [step("side", "31", "14"), step("spread", "17", "8"), step("edge", "9", "7")],
};
const ORDERS = [
  {
    clientOrderId: "o-1",
    marketTicker: "KXHIGHNY-26NOV22-B41.5",
    seriesTicker: "KXHIGHNY",
    side: "CONTRACT_SIDE_NO",
    action: "ORDER_ACTION_SELL",
    purpose: "ORDER_PURPOSE_EXIT",
    state: "ORDER_STATE_RESTING",
    limitPriceMicros: "610000",
    countHundredths: "700",
    createTime: "2026-11-22T19:00:00Z",
    sequence: "40",
  },
];
const LOG = {
  events: [
    {
      sequence: "39",
      recordTime: "2026-11-22T19:03:24Z",
      scanFinished: { scanId: "s-1", marketCount: 212, signalCount: 31, noSignalCount: 175, rejectedCount: 4, expiredCount: 2, entryCount: 1, duration: "1.9s" },
    },
    {
      sequence: "41",
      recordTime: "2026-11-22T19:03:26Z",
      fill: {
        fillId: "f-1",
        clientOrderId: "o-0",
        exchangeOrderId: "e-0",
        marketTicker: "KXHIGHNY-26NOV22-B41.5",
        side: "CONTRACT_SIDE_NO",
        action: "ORDER_ACTION_BUY",
        priceMicros: "410000",
        countHundredths: "700",
        feeMicros: "119000",
        fillTime: "2026-11-22T19:03:26Z",
      },
    },
  ],
};
