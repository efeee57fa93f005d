/** The golden cases of actions, and any sequence of events: nothing is sent twice, nothing after a disarm. */

import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Action, type ActionEvent, type Effect, IDLE, isOpen, type Phase, step } from "../../src/view/action.ts";

interface Case {
  steps: { event: ActionEvent; phase: Phase; effects?: string[]; note?: string }[];
}

const FOLDER = new URL("../../../../../tests/console/actions/", import.meta.url);
const names = readdirSync(FOLDER).filter((name) => name.endsWith(".json")).sort();
const LINKED: Action = { ...IDLE, linked: true };

test.each(names)("%s goes as it is written", (name) => {
  const found = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as Case;
  let action = LINKED;
  for (const [place, wanted] of found.steps.entries()) {
    const next = step(action, wanted.event);
    action = next.action;
    const where = `step ${place + 1}, ${JSON.stringify(wanted.event)}`;
    expect(action.phase, where).toBe(wanted.phase);
    expect(next.effects.map(said), where).toEqual(wanted.effects ?? []);
    if (wanted.note !== undefined) expect(action.note, where).toBe(wanted.note);
  }
});

function said(effect: Effect): string {
  return "requestId" in effect ? `${effect.type} ${effect.requestId}` : effect.type;
}

const pointer = fc.integer({ min: 1, max: 2 });
const requestId = fc.constantFrom("r-1", "r-2", "r-3");
const kind = fc.constantFrom("pause", "sell", "flatten");
const wait = fc.constantFrom(0, 0.1, 0.3, 0.6, 0.7, 1.2, 5, 16);
const happening = fc.oneof(
  fc.record({ type: fc.constant("open"), kind, requestId }),
  fc.record({ type: fc.constant("renew"), requestId }),
  fc.record({ type: fc.constant("press"), pointer }),
  fc.record({ type: fc.constant("release"), pointer }),
  fc.record({ type: fc.constantFrom("held", "off", "tap", "confirm", "changed", "tick", "finished", "ask", "close") }),
  fc.record({ type: fc.constant("link"), linked: fc.boolean() }),
  fc.record({ type: fc.constant("answer"), requestId, finished: fc.boolean() }),
  fc.record({ type: fc.constantFrom("refusal", "failure"), requestId }),
);

type Happening = [number, Record<string, unknown>];
const single = fc.tuple(wait, happening).map((found): Happening[] => [found as Happening]);
// Whole gestures, so that much is armed and sent; what comes between them and cuts them short is single.
const gesture = fc.record({ kind, requestId, hold: wait, pointer, other: pointer }).map((g): Happening[] => [
  [0, { type: "link", linked: true }],
  [0, { type: "open", kind: g.kind, requestId: g.requestId }],
  [0, { type: "press", pointer: g.pointer }],
  [g.hold, { type: "held" }],
  [0.1, { type: "release", pointer: g.other }],
]);
const twin = fc.record({ kind, requestId, pause: wait }).map((g): Happening[] => [
  [0, { type: "open", kind: g.kind, requestId: g.requestId }],
  [0, { type: "tap" }],
  [g.pause, { type: "confirm" }],
]);
const story = fc
  .array(fc.oneof({ weight: 6, arbitrary: single }, { weight: 1, arbitrary: gesture }, { weight: 1, arbitrary: twin }), {
    maxLength: 40,
  })
  .map((parts) => parts.flat());

test("no sequence sends an id twice, sends what is not armed, or sends without a link", () => {
  let everSent = 0;
  fc.assert(
    fc.property(story, (steps) => {
      let action = LINKED;
      let now = 0;
      const sends: string[] = [];
      for (const [pause, what] of steps) {
        now += pause;
        const before = action;
        const next = step(action, { ...what, at: now } as ActionEvent);
        action = next.action;
        for (const effect of next.effects) {
          if (effect.type === "send") {
            sends.push(effect.requestId);
            expect(before.linked).toBe(true);
            expect(action.phase).toBe("sent");
            expect(now).toBeLessThan(before.expiresAt);
            if (before.kind !== "pause") expect(before.phase).toBe("armed");
            expect(["release", "confirm", "tap"]).toContain(String(what["type"]));
          }
          if (effect.type === "ask") expect([before.phase, effect.requestId]).toEqual(["unknown", before.requestId]);
        }
        if (action.phase === "sent" && before.phase !== "sent") expect(next.effects[0]?.type).toBe("send");
        if (before.phase === "unknown") expect(["unknown", "working", "done"]).toContain(action.phase);
        if (isOpen(before)) expect(action.requestId).toBe(before.requestId);
        if (["off", "changed", "close"].includes(String(what["type"]))) expect([action.hold, action.confirmFrom]).toEqual([null, null]);
      }
      everSent += sends.length;
      expect(new Set(sends).size).toBe(sends.length);
    }),
    { numRuns: 3000 },
  );
  expect(everSent).toBeGreaterThan(100); // else nothing was tried
});

test("a hold that was dropped sends nothing until a new one has lasted", () => {
  const drop: fc.Arbitrary<ActionEvent> = fc.constantFrom(
    { type: "off" } as const,
    { type: "changed" } as const,
    { type: "link", at: 2, linked: false } as const,
    { type: "press", at: 2, pointer: 2 } as const,
    { type: "tick", at: 20 } as const,
    { type: "close" } as const,
  );
  const after = fc.array(
    fc.oneof(
      fc.record({ type: fc.constant("release" as const), at: fc.double({ min: 2, max: 14, noNaN: true }), pointer }),
      fc.record({ type: fc.constantFrom("held" as const, "confirm" as const), at: fc.double({ min: 2, max: 14, noNaN: true }) }),
    ),
    { maxLength: 10 },
  );
  fc.assert(
    fc.property(fc.constantFrom("sell" as const, "flatten" as const), drop, after, (what, dropped, later) => {
      let action = LINKED;
      const effects: Effect[] = [];
      const events: ActionEvent[] = [
        { type: "open", at: 0, kind: what, requestId: "r-1" },
        { type: "press", at: 0.1, pointer: 1 },
        { type: "held", at: 1.9 },
        dropped,
        ...later,
      ];
      for (const event of events) {
        const next = step(action, event);
        action = next.action;
        effects.push(...next.effects);
      }
      expect(effects.map((effect) => effect.type)).toEqual(["armed"]);
    }),
  );
});
