// Whether what was paid for has arrived, and where its buyer goes with it.

import { get, post } from "./api.js";
import { COURSE, LEARN } from "./codes.js";
import { buttonTo } from "./frame.js";

/** The goods of an order: `{type, id, name}`. */
export async function goodsOf(orderId) {
  const order = await get(`/orders/${encodeURIComponent(orderId)}`);
  return { type: order.orderType, id: order.items[0].goodsId, name: order.orderName, outBusinessId: order.outBusinessId };
}

/** Whether the goods are the caller's by now: true, or undefined while nobody knows. */
export async function arrived(goods) {
  const id = encodeURIComponent(goods.id);
  if (goods.type === COURSE) {
    const learning = await post(`/learning/choosecourse/learnstatus/${id}`);
    return learning.learnStatus === LEARN.MAY_LEARN || undefined;
  }
  const mine = await get("/resources/mine", { size: "50" });
  return mine.items.some((material) => material.materialId === goods.id) || undefined;
}

/** The way to the goods. */
export function wayTo(goods) {
  return goods.type === COURSE
    ? buttonTo("去学习", `course.html?id=${encodeURIComponent(goods.id)}`)
    : buttonTo("去下载", "materials.html?mine=1");
}
