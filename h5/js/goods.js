// How a price, a validity and a buyer's standing are shown and acted on.

import { post } from "./api.js";
import { CHARGE, CHOOSE, COURSE } from "./codes.js";
import { h } from "./dom.js";
import { yuan } from "./format.js";

/** `¥9.90`, or 免费. */
export function price(goods) {
  if (goods.charge === CHARGE.FREE) return h("span", { class: "price free" }, "免费");
  if (goods.priceFen === null || goods.priceFen === undefined) return h("span", { class: "quiet" }, "暂未定价");
  return h("span", { class: "price" }, `¥${yuan(goods.priceFen)}`);
}

/** How long a course is open once it is bought. */
export function validity(validDays) {
  return validDays ? `${validDays} 天` : "长期有效";
}

/**
 * Choose goods, and answer where the buyer goes on: to the till, or nowhere when they are theirs.
 *
 * Choosing again is safe: the same record comes back while it serves.
 */
export async function choose(path, orderType) {
  const record = await post(path);
  return record.status === CHOOSE.AWAITING_PAYMENT ? tillFor(record.id, orderType) : null;
}

/** The till's address for a record that awaits payment. It names no price: the order knows it. */
export function tillFor(outBusinessId, orderType = COURSE) {
  return `pay.html?${new URLSearchParams({ id: outBusinessId, type: orderType })}`;
}
