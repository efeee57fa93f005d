/**
 * The life of one action of a person: looked at, armed, sent, and what became of it. Pure.
 *
 * `sent` is entered once for a request id, before anything goes out, and only here: no button's state guards it. What is
 * not known after sending is asked again under the same id, which the trader carries out once. The cases in
 * tests/console/actions say it step by step.
 */

/** What a person wants. */
export type Kind = "pause" | "sell" | "flatten";
/** Where an action is in its life. */
export type Phase =
  | "idle"
  | "previewed"
  | "armed"
  | "sent"
  | "working"
  | "done"
  | "refused"
  | "expired"
  | "unknown";
/** Why nothing was sent, for the person who wonders. */
export type Note = "" | "too short" | "let off" | "no link" | "changed";

/** For how long a finger stays down before letting go sends. */
export const HOLD_SECONDS: Record<Kind, number> = { pause: 0, sell: 0.6, flatten: 1.2 };
/** The second of two taps counts from then on. */
export const TAP_PAUSE_SECONDS = 0.7;
/** What was looked at for longer is looked at again. */
export const PREVIEW_SECONDS = 15;
/** Without an answer for so long the outcome is not known. */
export const ANSWER_SECONDS = 5;
/** After so long nothing is asked again unless a person says so: it would be done late if it never arrived. */
export const ASKING_SECONDS = 60;
/** A screen shows what was done after so long at the latest. */
const SETTLING_SECONDS = 3;
const FIRST_ASK_PAUSE = 0.5;
const LONGEST_ASK_PAUSE = 5;

/** An action as it stands. */
export interface Action {
  readonly phase: Phase;
  readonly kind: Kind;
  readonly requestId: string;
  readonly linked: boolean;
  /** A finger that is down, and since when. */
  readonly hold: { readonly pointer: number; readonly since: number } | null;
  /** Armed by a first tap: from when on the second one counts. */
  readonly confirmFrom: number | null;
  readonly expiresAt: number;
  readonly sentAt: number;
  /** True while an answer may still come to what was asked last. */
  readonly asking: boolean;
  readonly nextAskAt: number;
  readonly askPause: number;
  readonly note: Note;
  /** Ids that were sent, all of them: none is sent again. */
  readonly spent: readonly string[];
}

/** What happens to an action. Times are seconds on the screen's clock. */
export type ActionEvent =
  | { readonly type: "open"; readonly at: number; readonly kind: Kind; readonly requestId: string }
  | { readonly type: "renew"; readonly at: number; readonly requestId: string }
  | { readonly type: "press"; readonly at: number; readonly pointer: number }
  | { readonly type: "held"; readonly at: number }
  | { readonly type: "release"; readonly at: number; readonly pointer: number }
  | { readonly type: "off" }
  | { readonly type: "tap"; readonly at: number }
  | { readonly type: "confirm"; readonly at: number }
  | { readonly type: "changed" }
  | { readonly type: "link"; readonly at: number; readonly linked: boolean }
  | { readonly type: "tick"; readonly at: number }
  | { readonly type: "answer"; readonly requestId: string; readonly finished: boolean }
  | { readonly type: "refusal"; readonly at: number; readonly requestId: string }
  | { readonly type: "failure"; readonly at: number; readonly requestId: string }
  | { readonly type: "finished" }
  | { readonly type: "ask"; readonly at: number }
  | { readonly type: "close" };

/** What is to be done in the world. */
export type Effect =
  | { readonly type: "send"; readonly requestId: string }
  | { readonly type: "ask"; readonly requestId: string }
  | { readonly type: "armed" };

/** An action, and what is to be done. */
export interface Step {
  readonly action: Action;
  readonly effects: readonly Effect[];
}

/** Nothing is wanted. */
export const IDLE: Action = {
  phase: "idle",
  kind: "pause",
  requestId: "",
  linked: false,
  hold: null,
  confirmFrom: null,
  expiresAt: 0,
  sentAt: 0,
  asking: false,
  nextAskAt: 0,
  askPause: FIRST_ASK_PAUSE,
  note: "",
  spent: [],
};

/** Tell whether something has been sent of which the end is not known. */
export function isOpen(action: Action): boolean {
  return action.phase === "sent" || action.phase === "working" || action.phase === "unknown";
}

/** Tell whether an action was done so lately that the screen may not show it yet: it is not wanted again. */
export function isSettling(action: Action, at: number): boolean {
  return action.phase === "done" && at - action.sentAt < SETTLING_SECONDS;
}

/** Take in what happens. What makes no sense in a phase changes nothing. */
export function step(action: Action, event: ActionEvent): Step {
  switch (event.type) {
    case "open":
      return isOpen(action) ? same(action) : previewed({ ...action, kind: event.kind }, event.at, event.requestId);
    case "renew":
      return isOpen(action) || action.phase === "idle" ? same(action) : previewed(action, event.at, event.requestId);
    case "close":
      return isOpen(action) ? same(action) : same({ ...action, phase: "idle", hold: null, confirmFrom: null, note: "" });
    case "link":
      return linked(action, event.linked, event.at);
    case "tick":
      return ticked(action, event.at);
    case "answer":
    case "refusal":
    case "failure":
    case "finished":
    case "ask":
      return answered(action, event);
    default:
      return touched(action, event);
  }
}

type Touch = Extract<ActionEvent, { type: "press" | "held" | "release" | "off" | "tap" | "confirm" | "changed" }>;
type Answer = Extract<ActionEvent, { type: "answer" | "refusal" | "failure" | "finished" | "ask" }>;

function same(action: Action): Step {
  return { action, effects: [] };
}

function previewed(action: Action, at: number, requestId: string): Step {
  if (action.spent.includes(requestId)) return same(action);
  const expiresAt = at + PREVIEW_SECONDS;
  return same({ ...action, phase: "previewed", requestId, expiresAt, hold: null, confirmFrom: null, note: "" });
}

function disarmed(action: Action, note: Note): Step {
  if (action.phase !== "previewed" && action.phase !== "armed") return same(action);
  return same({ ...action, phase: "previewed", hold: null, confirmFrom: null, note });
}

function touched(action: Action, event: Touch): Step {
  if (action.phase !== "previewed" && action.phase !== "armed") return same(action);
  if ("at" in event && event.at >= action.expiresAt) return ticked(action, event.at);
  switch (event.type) {
    case "off":
      return action.hold || action.confirmFrom !== null ? disarmed(action, "let off") : same(action);
    case "changed":
      return disarmed(action, action.hold || action.confirmFrom !== null ? "changed" : action.note);
    case "press":
      if (action.hold) return disarmed(action, "let off"); // a second finger
      if (!action.linked) return disarmed(action, "no link");
      if (action.phase === "armed") return same(action); // by a tap: the second one has its own button
      return same({ ...action, hold: { pointer: event.pointer, since: event.at }, note: "" });
    case "held":
      if (action.phase !== "previewed" || !action.hold) return same(action);
      if (event.at - action.hold.since < HOLD_SECONDS[action.kind]) return same(action);
      return { action: { ...action, phase: "armed" }, effects: [{ type: "armed" }] };
    case "release":
      if (action.hold?.pointer !== event.pointer) return same(action);
      return action.phase === "armed" ? sent(action, event.at) : disarmed(action, "too short");
    case "tap":
      if (action.hold || action.phase === "armed") return same(action);
      if (!action.linked) return disarmed(action, "no link");
      if (HOLD_SECONDS[action.kind] === 0) return sent(action, event.at);
      return same({ ...action, phase: "armed", confirmFrom: event.at + TAP_PAUSE_SECONDS, note: "" });
    case "confirm":
      return action.confirmFrom !== null && event.at >= action.confirmFrom ? sent(action, event.at) : same(action);
  }
}

/** The only way into `sent`. */
function sent(action: Action, at: number): Step {
  const { requestId } = action;
  if (!action.linked) return disarmed(action, "no link");
  if (action.spent.includes(requestId)) return same(action);
  const more = { hold: null, confirmFrom: null, note: "" as const, asking: true, askPause: FIRST_ASK_PAUSE };
  const spent = [...action.spent, requestId];
  return { action: { ...action, ...more, phase: "sent", sentAt: at, spent }, effects: [{ type: "send", requestId }] };
}

function linked(action: Action, isLinked: boolean, at: number): Step {
  const now = { ...action, linked: isLinked };
  if (!isLinked) {
    if (action.phase === "sent") return unknown({ ...now, asking: false }, at);
    return action.hold || action.confirmFrom !== null ? disarmed(now, "no link") : same(now);
  }
  const asked = now.phase === "unknown" && !action.linked ? { ...now, nextAskAt: at } : now;
  return same({ ...asked, note: asked.note === "no link" ? "" : asked.note });
}

function ticked(action: Action, at: number): Step {
  const looking = action.phase === "previewed" || action.phase === "armed";
  if (looking && at >= action.expiresAt) {
    return same({ ...action, phase: "expired", hold: null, confirmFrom: null, note: "" });
  }
  if (action.phase === "sent" && at - action.sentAt >= ANSWER_SECONDS) return unknown({ ...action, asking: false }, at);
  if (action.phase === "unknown" && at >= action.nextAskAt && at - action.sentAt < ASKING_SECONDS) {
    return asked(action, at);
  }
  return same(action);
}

function unknown(action: Action, at: number): Step {
  return same({ ...action, phase: "unknown", nextAskAt: at + action.askPause });
}

function asked(action: Action, at: number): Step {
  if (action.phase !== "unknown" || action.asking || !action.linked) return same(action);
  const askPause = Math.min(LONGEST_ASK_PAUSE, action.askPause * 2);
  return {
    action: { ...action, asking: true, askPause, nextAskAt: at + ANSWER_SECONDS + askPause },
    effects: [{ type: "ask", requestId: action.requestId }],
  };
}

function answered(action: Action, event: Answer): Step {
  if (event.type === "finished") return same(action.phase === "working" ? { ...action, phase: "done" } : action);
  if (event.type === "ask") return asked(action, event.at);
  if (event.requestId !== action.requestId || (action.phase !== "sent" && action.phase !== "unknown")) return same(action);
  if (event.type === "answer") return same({ ...action, phase: event.finished ? "done" : "working", asking: false });
  // That asking again is refused does not say what became of what was sent first.
  if (event.type === "refusal" && action.phase === "sent") return same({ ...action, phase: "refused", asking: false });
  return unknown({ ...action, asking: false }, event.at);
}
