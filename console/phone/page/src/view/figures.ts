/** Numbers as Python writes them: half to even, and `%g`. Pure, and the same on both faces to the last digit. */

/** Say a number with so many decimals; a half goes to the even neighbour. */
export function fixed(value: number, decimals: number): string {
  const halves = value * 2 ** (decimals + 1);
  if (!Number.isInteger(halves) || halves % 2 === 0) return value.toFixed(decimals); // no tie: both sides agree
  const scale = 10 ** decimals;
  const below = Math.floor(value * scale);
  return ((below % 2 === 0 ? below : below + 1) / scale).toFixed(decimals);
}

/** Say a number with so many digits that count, and no zeros that say nothing: `%g`. */
export function general(value: number, digits = 6): string {
  if (value === 0) return "0";
  const exponent = Number(value.toExponential(digits - 1).split("e")[1]);
  if (exponent >= digits || exponent < -4) {
    const [mantissa = "", power = "+0"] = value.toExponential(digits - 1).split("e");
    const sign = power.startsWith("-") ? "-" : "+";
    return `${trimmed(mantissa)}e${sign}${power.replace(/^[+-]/, "").padStart(2, "0")}`;
  }
  return trimmed(fixed(value, digits - 1 - exponent));
}

/** Say a number with its sign. */
export function signed(value: number, decimals: number): string {
  const said = fixed(value, decimals);
  return said.startsWith("-") ? said : `+${said}`;
}

/** Part whole digits by thousands. */
export function grouped(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+$)/g, ",");
}

function trimmed(said: string): string {
  return said.includes(".") ? said.replace(/\.?0+$/, "") : said;
}
