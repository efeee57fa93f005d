/** Amounts of money for people. Micros, exact, as whole numbers: nothing is reckoned here but the rounding to be shown. Pure. */

import { general, grouped } from "./figures.ts";

/** Millionths of a dollar in a cent. */
export const CENT = 10_000n;
const DOLLAR = 1_000_000n;

/** Say an amount to the cent: `$1,234.57`, `-$0.52`; `<$0.01` for one that rounds to nothing and is not. */
export function dollars(micros: bigint): string {
  const whole = micros < 0n ? -micros : micros;
  const cents = (whole + CENT / 2n) / CENT;
  if (micros !== 0n && cents === 0n) return micros > 0n ? "<$0.01" : ">-$0.01";
  const rest = String(cents % 100n).padStart(2, "0");
  return `${micros < 0n ? "-" : ""}$${grouped(String(cents / 100n))}.${rest}`;
}

/** Say a result with its sign: `+$3.37`, `-$0.52`. */
export function gain(micros: bigint): string {
  if (micros <= 0n) return dollars(micros);
  return micros >= CENT / 2n ? `+${dollars(micros)}` : "<+$0.01";
}

/** Say an amount to the cent, or finer where it is: `-$1.23`, `$0.0175`. */
export function money(micros: bigint): string {
  const whole = micros < 0n ? -micros : micros;
  const rest = String(whole % DOLLAR).padStart(6, "0").replace(/0+$/, "").padEnd(2, "0");
  return `${micros < 0n ? "-" : ""}$${grouped(String(whole / DOLLAR))}.${rest}`;
}

/** Say a price in cents, without the unit. */
export function cents(micros: bigint): string {
  return general(Number(micros) / Number(CENT));
}

/** Say a count of contracts. */
export function contracts(hundredths: bigint): string {
  return general(Number(hundredths) / 100);
}
