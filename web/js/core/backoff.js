/** How long to wait before connecting again. */

const STEPS_MS = [500, 1000, 2000, 4000, 8000, 10_000];
/** A fifth either way, so that a room full of browsers does not come back in step. */
const JITTER = 0.2;

/**
 * @param {number} attempt 0 for the first wait
 * @param {() => number} random 0 ≤ n < 1
 * @returns {number} milliseconds
 */
export function backoff(attempt, random) {
  const base = STEPS_MS[Math.min(Math.max(attempt, 0), STEPS_MS.length - 1)];
  return Math.round(base * (1 - JITTER + 2 * JITTER * random()));
}
