/** The golden cases that all faces share, as they lie in tests/console/cases: none is copied here. */

import { readdirSync, readFileSync } from "node:fs";
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { WatchStateResponseSchema } from "../../src/gen/foremesh/trader/v1/trader_service_pb.js";
import { marketLine, positionLine } from "../../src/view/cells.ts";
import { Screen } from "../../src/view/screen.ts";

interface Case {
  says: string;
  steps: { at: number; message?: JsonValue; lost?: boolean }[];
  looks: { at: number; linked?: boolean; markets?: Fields[]; positions?: Fields[] }[];
}
type Fields = Record<string, string>;

const FOLDER = new URL("../../../../../tests/console/cases/", import.meta.url);
const names = readdirSync(FOLDER).filter((name) => name.endsWith(".json")).sort();

test("there are cases", () => {
  expect(names.length).toBeGreaterThanOrEqual(10);
});

test.each(names)("%s is told as it is written", (name) => {
  const found = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as Case;
  const screen = new Screen();
  const steps = [...found.steps];
  expect(found.looks.length).toBeGreaterThan(0);
  for (const look of found.looks) {
    while (steps[0] && steps[0].at <= look.at) {
      const step = steps.shift();
      if (!step) break;
      if (step.lost) screen.lost();
      else screen.receive(fromJson(WatchStateResponseSchema, step.message ?? null), step.at);
    }
    if (look.linked !== undefined) expect(screen.linked(look.at), `linked at ${look.at}`).toBe(look.linked);
    if (look.markets) {
      agree([...screen.rows.values()].map((seen) => marketLine(screen, seen, look.at)), look.markets);
    }
    if (look.positions) {
      agree([...screen.positions.values()].map((seen) => positionLine(screen, seen, look.at)), look.positions);
    }
  }
});

function agree(lines: object[], wanted: Fields[]): void {
  const shown = lines.map((line, place) =>
    Object.fromEntries(Object.entries(line).filter(([field]) => field in (wanted[place] ?? {}))),
  );
  expect(shown).toEqual(wanted);
}
