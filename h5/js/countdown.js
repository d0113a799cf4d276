// The time left, from the server's clock: a phone's own may be wrong.

import { clock } from "./format.js";

const TICK_MS = 500;

/**
 * Write the time until `expiresAt` into `element`, and call `reached` once when it is over.
 *
 * `now` is the server's time of the answer that both came in. Returns a function that ends it.
 */
export function countDown(element, { expiresAt, now }, reached) {
  const endsAt = Date.now() + Date.parse(expiresAt) - Date.parse(now);
  const timer = setInterval(tick, TICK_MS);
  tick();
  return () => clearInterval(timer);

  function tick() {
    const left = (endsAt - Date.now()) / 1000;
    element.textContent = clock(left);
    if (left > 0) return;
    clearInterval(timer);
    reached();
  }
}
