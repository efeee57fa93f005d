/**
 * Everything that a screen has been told, and how old it is by the screen's own clock. Pure.
 *
 * Ages come with the messages; the screen adds the time since, monotonic, and compares no clocks. The same logic as
 * console/view/screen.py, held to it by tests/console/cases.
 */

import type { Duration } from "@bufbuild/protobuf/wkt";
import type { Event } from "../gen/foremesh/trader/v1/events_pb.js";
import { type Order, OrderPurpose } from "../gen/foremesh/trader/v1/orders_pb.js";
import type { Position } from "../gen/foremesh/trader/v1/positions_pb.js";
import type { Funnel } from "../gen/foremesh/trader/v1/report_pb.js";
import type { Confirmed, MarketRow, StateDelta, StateSnapshot } from "../gen/foremesh/trader/v1/screen_pb.js";
import type { Link, Status } from "../gen/foremesh/trader/v1/status_pb.js";
import type { WatchStateResponse } from "../gen/foremesh/trader/v1/trader_service_pb.js";
import { type Freshness, freshness, SILENCE_SECONDS } from "./freshness.ts";

const KEPT_EVENTS = 500;

/** A thing as last told, and when its prices were so, on the screen's clock; null without prices. */
export interface Seen<Message> {
  message: Message;
  soAt: number | null;
  /** When the message was sent, on the screen's clock: its other ages count from here. */
  toldAt: number;
}

/** A link of the trader, with the age of its last success. */
export interface SeenLink {
  link: Link;
  age: number | null;
}

/** What a screen knows. Nothing is known before the first snapshot. */
export class Screen {
  status: Status | null = null;
  /** By id, oldest first. */
  positions = new Map<string, Seen<Position>>();
  /** Working ones: by their own id or, where they are not the trader's, the exchange's. */
  orders = new Map<string, Order>();
  /** Markets by number, in the trader's order. */
  rows = new Map<number, Seen<MarketRow>>();
  /** Of the last scan. */
  funnel: Funnel | null = null;
  /** The log, oldest first. */
  events: Event[] = [];
  /** True when the log has a hole. */
  missed = false;
  /** Journal entry that is included; where a stream that broke goes on. */
  asOfSequence = 0n;
  /** Journal that the sequence belongs to. */
  journalId = "";
  /** When the message with the status came, on the screen's clock. */
  statusAt = 0;
  #links: { link: Link; soAt: number | null }[] = [];
  #began: number | null = null;
  #heard: number | null = null;

  /** Take in a message that came now. One without a snapshot before it in its stream says nothing. */
  receive(response: WatchStateResponse, now: number): void {
    const content = response.content;
    if (content.case === "snapshot") {
      // The first of another stream.
      if (this.#began === null || !seconds(response.streamAge)) this.#began = now;
      this.#replace(response, content.value, now - this.#late(response, now));
    } else if (this.#began === null || content.case === undefined) {
      return;
    } else if (content.case === "delta") {
      this.#change(content.value, now - this.#late(response, now));
    } else {
      const sent = now - this.#late(response, now);
      this.#linkAges(content.value.links, sent);
      this.#confirm(content.value.confirmed, sent);
    }
    this.#heard = now;
    this.asOfSequence = response.asOfSequence;
    this.journalId = response.journalId;
  }

  /** Take in that the stream has ended: nothing that is known is so any more, until a snapshot comes. */
  lost(): void {
    this.#began = this.#heard = null;
  }

  /** Return for how many seconds nothing has come; null while there is no stream. */
  silence(now: number): number | null {
    return this.#heard === null ? null : Math.max(0, now - this.#heard);
  }

  /** Tell whether the trader is heard. */
  linked(now: number): boolean {
    const silence = this.silence(now);
    return silence !== null && silence <= SILENCE_SECONDS;
  }

  /** Return the age of knowledge in seconds. */
  age(soAt: number | null, now: number): number | null {
    return soAt === null ? null : Math.max(0, now - soAt);
  }

  /** Class the age of a quote; without a link every quote is stale. */
  quoteFreshness(soAt: number | null, now: number): Freshness {
    if (soAt === null || this.status === null) return "absent";
    if (!this.linked(now)) return "stale";
    const limits = this.status.staleness;
    return freshness(this.age(soAt, now), seconds(limits?.quoteFreshWithin), seconds(limits?.quoteStaleAfter));
  }

  /** Class the forecast of a market: stale when its scan is too long ago, or nothing is done on it any more. */
  forecastFreshness(seen: Seen<MarketRow>, now: number): Freshness {
    const signal = seen.message.signal;
    if (this.status === null || !signal) return "absent";
    const over = now - seen.toldAt >= seconds(signal.usefulFor);
    const old = this.forecastAge(seen, now) > seconds(this.status.staleness?.forecastStaleAfter);
    return over || old ? "stale" : "fresh";
  }

  /** Return how long ago the trader got the forecast of a market, in seconds. */
  forecastAge(seen: Seen<MarketRow>, now: number): number {
    return Math.max(0, now - seen.toldAt) + seconds(seen.message.signal?.age);
  }

  /** Give the trader's links with the ages of their last success. */
  links(now: number): SeenLink[] {
    return this.#links.map(({ link, soAt }) => ({ link, age: this.age(soAt, now) }));
  }

  /** Return how much longer this message was on its way than the first one of its stream. */
  #late(response: WatchStateResponse, now: number): number {
    return Math.max(0, now - (this.#began ?? now) - seconds(response.streamAge));
  }

  #replace(response: WatchStateResponse, snapshot: StateSnapshot, sent: number): void {
    if (response.journalId !== this.journalId) {
      this.events = [];
      this.missed = false;
    }
    this.positions = new Map();
    this.orders = new Map();
    this.rows = new Map();
    this.funnel = null;
    if (snapshot.status) this.#takeStatus(snapshot.status, sent);
    this.#takeThings(snapshot, sent);
  }

  #change(delta: StateDelta, sent: number): void {
    if (delta.status) this.#takeStatus(delta.status, sent);
    for (const id of delta.closedPositionIds) this.positions.delete(id);
    for (const name of delta.endedClientOrderIds) this.orders.delete(`own ${name}`);
    for (const name of delta.endedExchangeOrderIds) this.orders.delete(`foreign ${name}`);
    for (const number of delta.goneMarketNumbers) this.rows.delete(number);
    this.#takeThings(delta, sent);
    if (delta.marketOrder.length > 0) {
      const ordered = new Map<number, Seen<MarketRow>>();
      for (const number of [...delta.marketOrder, ...this.rows.keys()]) {
        const row = this.rows.get(number);
        if (row && !ordered.has(number)) ordered.set(number, row);
      }
      this.rows = ordered;
    }
    this.#confirm(delta.confirmed, sent);
  }

  #takeStatus(status: Status, sent: number): void {
    this.status = status;
    this.statusAt = sent;
    this.#linkAges(status.links, sent);
  }

  #takeThings(message: StateSnapshot | StateDelta, sent: number): void {
    for (const position of message.positions) {
      const soAt = position.mark ? sent - seconds(position.mark.confirmedAge) : null;
      this.positions.set(position.positionId, { message: position, soAt, toldAt: sent });
    }
    for (const order of message.orders) {
      const foreign = order.purpose === OrderPurpose.FOREIGN;
      this.orders.set(foreign ? `foreign ${order.exchangeOrderId ?? ""}` : `own ${order.clientOrderId}`, order);
    }
    for (const row of message.markets) {
      const soAt = row.noMark ? sent - seconds(row.noMark.confirmedAge) : null;
      this.rows.set(row.number, { message: row, soAt, toldAt: sent });
    }
    if (message.funnel) this.funnel = message.funnel;
    if (message.log) {
      const last = this.events.at(-1)?.sequence ?? 0n;
      this.events = [...this.events, ...message.log.events.filter((event) => event.sequence > last)].slice(-KEPT_EVENTS);
      this.missed = this.missed || message.log.skippedCount > 0n || message.log.moreSkipped;
    }
  }

  #linkAges(links: Link[], sent: number): void {
    this.#links = links.map((link) => ({ link, soAt: link.age ? sent - seconds(link.age) : null }));
  }

  #confirm(groups: Confirmed[], sent: number): void {
    for (const group of groups) {
      const soAt = sent - seconds(group.age);
      for (const number of group.numbers) {
        const row = this.rows.get(number);
        if (!row || row.soAt === null) continue;
        row.soAt = Math.max(row.soAt, soAt);
        for (const held of this.positions.values()) {
          if (held.message.marketTicker === row.message.marketTicker && held.soAt !== null) {
            held.soAt = Math.max(held.soAt, soAt);
          }
        }
      }
    }
  }
}

/** Read a length of time in seconds; an absent one is none. */
export function seconds(duration: Duration | undefined): number {
  return duration ? Number(duration.seconds) + duration.nanos / 1e9 : 0;
}
