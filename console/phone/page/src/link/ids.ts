/** Ids of requests: new for each wish. */

/** Make one. Where the page has no secure origin there is no `randomUUID`, and sixteen random bytes do as well. */
export function newRequestId(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
