/** What the page knows and what its person wants, in one place. It draws nothing. */

import { signal } from "@preact/signals";
import type { FlattenPositionsResponse, PauseTradingResponse } from "./gen/foremesh/trader/v1/trader_service_pb.js";
import { BlockKind } from "./gen/foremesh/trader/v1/status_pb.js";
import type { Position } from "./gen/foremesh/trader/v1/positions_pb.js";
import { errorWords, flattenPositions, isRefusal, pauseTrading, watchState } from "./link/client.ts";
import { type Away, Feed } from "./link/feed.ts";
import { newRequestId } from "./link/ids.ts";
import { type Action, type ActionEvent, type Effect, IDLE, isOpen, isSettling, type Kind, step } from "./view/action.ts";
import { firstFloor } from "./view/floor.ts";
import { Screen } from "./view/screen.ts";

/** Something that a person wants, with what it is about. What is sent does not change after it is sent. */
export interface Wish {
  readonly key: string;
  readonly kind: Kind;
  readonly ticker: string;
  readonly title: string;
  action: Action;
  /** Lowest price to sell at; null for the trader's own. */
  floor: bigint | null;
  /** Contracts that were held when it was looked at. */
  count: bigint;
  /** When a figure of it changed under the eyes, on the screen's clock. */
  changedAt: number;
  answer: FlattenPositionsResponse | PauseTradingResponse | null;
  /** Why it was refused, or what keeps the answer away. */
  words: string;
}

const GAP_SECONDS = 3;
const known = new Screen();
const startedAt = clock();
let lastHeard: number | null = null;
let away: Away = { words: "connecting", signedOut: false };
let resumeLog = true;
let ticked = { own: startedAt, wall: Date.now() / 1000 };

/** Goes up with everything that is to be drawn. */
export const pulse = signal(0);
/** The sheet that is open, by its wish. */
export const sheet = signal<string | null>(null);
/** What is wanted, by its key. */
export const wishes = new Map<string, Wish>();

const feed = new Feed({
  open: (abort) => watchState(known, resumeLog, abort),
  tell: (message) => {
    const now = clock();
    known.receive(message, now);
    lastHeard = now;
    resumeLog = true;
    away = { words: "", signedOut: false };
    tick();
  },
  away: (why) => {
    away = why;
    resumeLog = why.words === "the trader is away" || why.words === "the trader says nothing";
    known.lost();
    tick();
  },
});

/** The screen's own clock, in seconds. */
export function clock(): number {
  return performance.now() / 1000;
}

/** Everything that is drawn is drawn from this. */
export function look(): { known: Screen; now: number; linked: boolean; away: Away; silence: number } {
  void pulse.value;
  const now = clock();
  return { known, now, linked: known.linked(now), away, silence: now - (lastHeard ?? startedAt) };
}

/** Begin to listen, and to let ages grow. */
export function start(): void {
  feed.restart();
  setInterval(tick, 250);
  document.addEventListener("visibilitychange", () => (document.hidden ? sleep() : wake()));
  addEventListener("pageshow", (event) => event.persisted && wake());
  addEventListener("pagehide", sleep);
  addEventListener("online", wake);
  for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, () => feed.nudge(), { passive: true });
}

/** Want something: look at it first. What was sent and is not settled is shown instead. */
export function want(kind: Kind, position?: Position): Wish {
  const key = position ? `sell ${position.positionId}` : kind;
  const there = wishes.get(key);
  const now = clock();
  if (there && (isOpen(there.action) || (kind === "pause" && isSettling(there.action, now)))) return there;
  const wish: Wish = {
    key,
    kind,
    ticker: position?.marketTicker ?? "",
    title: position ? marketTitle(position) : "",
    action: { ...IDLE, spent: there?.action.spent ?? [] },
    floor: position ? firstFloor(shownBid(position, now)) : null,
    count: position?.countHundredths ?? 0n,
    changedAt: Number.NEGATIVE_INFINITY,
    answer: null,
    words: "",
  };
  wishes.set(key, wish);
  dispatch(wish, { type: "link", at: now, linked: known.linked(now) });
  dispatch(wish, { type: "open", at: now, kind, requestId: newRequestId() });
  return wish;
}

/** Look again, perhaps with another floor: it is another request. */
export function renew(wish: Wish, floor: bigint | null = wish.floor): void {
  if (isOpen(wish.action)) return;
  wish.floor = floor;
  wish.words = "";
  wish.answer = null;
  dispatch(wish, { type: "renew", at: clock(), requestId: newRequestId() });
}

/** Let something happen to what is wanted, and do what follows. */
export function dispatch(wish: Wish, event: ActionEvent): void {
  const next = step(wish.action, event);
  wish.action = next.action;
  for (const effect of next.effects) perform(wish, effect);
  if (wish.action.phase === "idle" && wishes.get(wish.key) === wish && event.type === "close") wishes.delete(wish.key);
  pulse.value += 1;
}

/** Tell whether the trader takes no entries anywhere because a person said so. */
export function isPaused(): boolean {
  const kinds = [BlockKind.PAUSE, BlockKind.FLATTEN, BlockKind.KILL_SWITCH_FILE];
  return (known.status?.blocks ?? []).some((found) => found.scope.case === undefined && kinds.includes(found.kind));
}

/** A market's name for people. */
export function marketTitle(found: { title: string; marketTicker: string }): string {
  return found.title || found.marketTicker.replace(/^KX/, "");
}

/** Tell whether a market's position is still there. */
export function isHeld(market: string): boolean {
  return [...known.positions.values()].some((seen) => seen.message.marketTicker === market);
}

function perform(wish: Wish, effect: Effect): void {
  if (effect.type === "armed") {
    navigator.vibrate?.(20);
    return;
  }
  const { requestId } = effect;
  const tickers = wish.ticker ? [wish.ticker] : [];
  const call = wish.kind === "pause" ? pauseTrading(requestId) : flattenPositions(requestId, tickers, wish.floor);
  call.then(
    (answer) => {
      wish.answer = answer;
      wish.words = "";
      dispatch(wish, { type: "answer", requestId, finished: !sells(answer) });
    },
    (error: unknown) => {
      wish.words = errorWords(error);
      dispatch(wish, { type: isRefusal(error) ? "refusal" : "failure", at: clock(), requestId });
    },
  );
}

function sells(answer: FlattenPositionsResponse | PauseTradingResponse): boolean {
  return "outcomes" in answer && answer.outcomes.some(({ outcome }) => outcome.case === "accepted");
}

function shownBid(position: Position, now: number): bigint | null {
  const seen = known.positions.get(position.positionId);
  const fresh = seen && ["fresh", "ageing"].includes(known.quoteFreshness(seen.soAt, now));
  return (fresh ? seen.message.mark?.bidPriceMicros : null) ?? null;
}

function tick(): void {
  const now = clock();
  const wall = Date.now() / 1000;
  const slept = Math.max(now - ticked.own, wall - ticked.wall) > GAP_SECONDS;
  ticked = { own: now, wall };
  const linked = known.linked(now);
  for (const wish of wishes.values()) {
    if (wish.action.linked !== linked) dispatch(wish, { type: "link", at: now, linked });
    dispatch(wish, { type: "tick", at: now });
    follow(wish, now);
  }
  pulse.value += 1;
  if (slept && !document.hidden) wake();
}

/** Keep a wish in step with what is held. */
function follow(wish: Wish, now: number): void {
  const position = known.positions.get(wish.key.replace(/^sell /, ""))?.message;
  if (position && position.countHundredths !== wish.count && !isOpen(wish.action)) {
    wish.count = position.countHundredths;
    wish.changedAt = now;
    dispatch(wish, { type: "changed" });
  }
  if (wish.action.phase !== "working" || !known.linked(now)) return;
  const answer = wish.answer;
  const accepted = answer && "outcomes" in answer ? answer.outcomes.filter(({ outcome }) => outcome.case === "accepted") : [];
  if (accepted.every(({ marketTicker }) => !isHeld(marketTicker))) dispatch(wish, { type: "finished" });
}

function sleep(): void {
  for (const wish of wishes.values()) dispatch(wish, { type: "off" });
  feed.stop();
  known.lost();
}

function wake(): void {
  if (document.hidden) return;
  for (const wish of wishes.values()) dispatch(wish, { type: "off" });
  known.lost();
  ticked = { own: clock(), wall: Date.now() / 1000 };
  feed.restart();
  pulse.value += 1;
}
