/** What the trader says, in words and figures for people: console/trading_words.py for the page. Pure. */

import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { ContractSide } from "../gen/foremesh/market/v1/market_pb.js";
import { type Bounds, type Figure, type RuleVerdict } from "../gen/foremesh/trader/v1/rules_pb.js";
import { BlockKind, type EntryBlock } from "../gen/foremesh/trader/v1/status_pb.js";
import { contracts, money } from "./amounts.ts";
import { fixed, general } from "./figures.ts";
import { seconds } from "./screen.ts";

/** Say a word of the contract; one that is newer than this page is a number. */
export function word(names: Record<number, string>, number: number): string {
  return (names[number] ?? String(number)).toLowerCase().replaceAll("_", " ");
}

/** Say a side. */
export function side(number: ContractSide): string {
  return word(ContractSide, number).toUpperCase();
}

/** Make a text that somebody else chose harmless: no control characters, none that turn the direction of writing. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu, "?");
}

/** Say a rule's name, or a reason's. */
export function spaced(name: string): string {
  return name.replaceAll("_", " ");
}

const UNITS = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]] as const;

/** Say a length of time by its two largest units: `4 min 12 s`, `3 d 2 h`, `0 s`. */
export function spanWords(found: number): string {
  const whole = Math.max(0, Number(fixed(found, 0)));
  for (const [place, [name, size]] of UNITS.entries()) {
    const count = Math.floor(whole / size);
    if (count === 0) continue;
    const [finer, finerSize] = UNITS[place + 1] ?? [name, size];
    const rest = Math.floor((whole % size) / finerSize);
    return `${count} ${name}${rest > 0 ? ` ${rest} ${finer}` : ""}`;
  }
  return "0 s";
}

/** Say an instant of the day, UTC. */
export function timeOfDay(time: Timestamp | undefined): string {
  return time ? new Date(Number(time.seconds) * 1000).toISOString().slice(11, 19) : "";
}

/** Say a figure with its unit. */
export function figure(found: Figure): string {
  const value = found.value;
  switch (value.case) {
    case "micros":
      // Prices lie on hundredths of a cent at the finest; limits that exclude their end lie a millionth beside it.
      return money(BigInt(fixed(Number(value.value) / 100, 0)) * 100n);
    case "cents":
      return `${general(value.value)}c`;
    case "contractsHundredths":
      return contracts(value.value);
    case "duration":
      return spanWords(seconds(value.value));
    case "ratio":
      return general(value.value);
    case "count":
      return String(value.value);
    case "word":
      return plain(value.value);
    default:
      return "";
  }
}

/** Say `spread 12c > 10c`: the rule, what it found and what it allows. */
export function refusal(verdict: RuleVerdict): string {
  const rule = spaced(verdict.rule);
  if (!verdict.figure) return `${rule}: not known`;
  const bounds: Partial<Bounds> = verdict.bounds ?? {};
  const said = figure(verdict.figure);
  if (bounds.equalTo) return `${rule} ${said}, not ${figure(bounds.equalTo)}`;
  if (bounds.atLeast && bounds.atMost) {
    return `${rule} ${said}, not within ${figure(bounds.atLeast)} to ${figure(bounds.atMost)}`;
  }
  if (bounds.atLeast) return `${rule} ${said} < ${figure(bounds.atLeast)}`;
  return bounds.atMost ? `${rule} ${said} > ${figure(bounds.atMost)}` : `${rule} ${said}`;
}

/** Say why entries are not taken, and where. */
export function block(found: EntryBlock): string {
  const where = found.scope.case === undefined ? "all markets" : found.scope.value;
  const until = found.endTime ? `, until ${timeOfDay(found.endTime)} UTC` : "";
  return plain(`${where} (${word(BlockKind, found.kind)}${until}${found.reason ? `: ${found.reason}` : ""})`);
}
