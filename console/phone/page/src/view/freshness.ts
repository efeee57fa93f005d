/** How old knowledge may be before a screen no longer shows it as what is. Pure. */

/** Without a message for so long the link is taken for lost; something is sent every second. */
export const SILENCE_SECONDS = 2.5;

/** What an age means: `ageing` is shown with its age and not bought on, `stale` is not shown, `absent` was never known. */
export type Freshness = "fresh" | "ageing" | "stale" | "absent";

/** Class an age; null stands for something that was never known. All in seconds. */
export function freshness(age: number | null, freshWithin: number, staleAfter: number): Freshness {
  if (age === null) return "absent";
  if (age > staleAfter) return "stale";
  return age <= freshWithin ? "fresh" : "ageing";
}

/** Tell whether what is of this freshness is shown. */
export function isShown(found: Freshness): boolean {
  return found === "fresh" || found === "ageing";
}
