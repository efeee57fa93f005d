/** Figures and words, written as Python writes them. */

import { expect, test } from "vitest";
import { dollars, gain, money } from "../../src/view/amounts.ts";
import { ageText, moneyCell } from "../../src/view/cells.ts";
import { fixed, general, signed } from "../../src/view/figures.ts";
import { plain, spanWords } from "../../src/view/words.ts";

test("halves go to the even neighbour, what only looks like a half does not", () => {
  const said = [0.5, 1.5, 2.5, -2.5, 7.5].map((value) => fixed(value, 0));
  expect(said).toEqual(["0", "2", "2", "-2", "8"]);
  expect([0.25, 0.75, 0.35, 1.84].map((value) => fixed(value, 1))).toEqual(["0.2", "0.8", "0.3", "1.8"]);
  expect([signed(1.84, 1), signed(-0.4, 1)]).toEqual(["+1.8", "-0.4"]);
});

test("a number is said with the digits that count", () => {
  const said = [43, 41.5, 0.1, 1234567, 0.00001234, 41.3333333, 100].map((value) => general(value));
  expect(said).toEqual(["43", "41.5", "0.1", "1.23457e+06", "1.234e-05", "41.3333", "100"]);
  expect([general(41.37, 3), general(100, 3), general(5.125, 3)]).toEqual(["41.4", "100", "5.12"]);
});

test("amounts are said to the cent, and what is less is not nothing", () => {
  expect([dollars(1_234_567_800n), dollars(-520_000n), dollars(1n), dollars(-1n), dollars(0n)]).toEqual([
    "$1,234.57", "-$0.52", "<$0.01", ">-$0.01", "$0.00",
  ]);
  expect([gain(3_370_000n), gain(-520_000n), gain(4_999n)]).toEqual(["+$3.37", "-$0.52", "<+$0.01"]);
  expect([money(17_500n), money(-1_230_000n)]).toEqual(["$0.0175", "-$1.23"]);
  expect([moneyCell(120_000n), moneyCell(-100_000n), moneyCell(0n)]).toEqual(["▲ +$0.12", "▼ -$0.10", "$0.00"]);
});

test("an age fits into four characters", () => {
  expect([0, 9.94, 9.96, 119, 120, 7_200, 2e5].map(ageText)).toEqual(["0.0", "9.9", "10", "119", "2m", "2h", "2d"]);
});

test("lengths of time are said by their two largest units", () => {
  expect([0, 45, 252, 600, 266_400].map(spanWords)).toEqual(["0 s", "45 s", "4 min 12 s", "10 min", "3 d 2 h"]);
});

test("a text of somebody else's cannot turn the writing round", () => {
  expect(plain("NY high\u202e 41\u0007")).toBe("NY high? 41?");
});
