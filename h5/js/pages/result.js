// How a payment ended. An address with a signature shows it to whoever paid, also to a stranger.
//
// Nothing but the order's own status says that it is paid; and paid is not yet opened.

import { get, getByLink, Refused, SignedOut } from "../api.js";
import { accessToken } from "../auth.js";
import { ORDER } from "../codes.js";
import { h, show } from "../dom.js";
import { yuan } from "../format.js";
import { button, buttonTo, failure, frame, outcome, toast, waiting } from "../frame.js";
import { arrived, goodsOf, wayTo } from "../granted.js";
import { tillFor } from "../goods.js";
import { poll } from "../poll.js";

const query = new URLSearchParams(location.search);
const [payNo, sign] = [query.get("payNo") ?? "", query.get("sign") ?? ""];
const main = frame({ title: "支付结果", back: "orders.html" });

let watching = null;

function ask() {
  watching?.stop();
  show(main, waiting("支付结果确认中", "请勿重复支付"));
  watching = poll(question, {
    answered: (result) => decided(result),
    failed: (error) => stumbled(error),
    gaveUp: () => show(main, unknown("还没有查到支付结果")),
  });
}

async function question() {
  const result = await outcomeNow();
  if (result.orderStatus !== ORDER.UNPAID) return result;
  if (!main.querySelector("[data-unknown]")) show(main, unknown("支付结果确认中", result));
  return undefined;
}

function outcomeNow() {
  if (accessToken()) return get("/orders/payresult", { payNo, sign });
  if (sign) return getByLink("/orders/payresult", { payNo, sign });
  throw new SignedOut();
}

function stumbled(error) {
  const final = error instanceof SignedOut || (error instanceof Refused && error.status < 500);
  if (final) {
    watching.stop();
    show(main, failure(error));
  } else if (!main.querySelector("[data-unknown]")) show(main, unknown("网络异常，正在重试"));
}

/** Not known is not failed: it says so, and offers both ways on. */
function unknown(title, result) {
  const card = outcome("care", title, "如果已经付款，结果稍后会自动更新，请勿重复支付",
    h("div", { class: "actions" },
      button("我已支付", () => {
        toast("正在查询支付结果");
        if (watching) watching.now();
        else ask();
      }),
      result?.userId ? button("重新支付", () => payAgain(result), "plain") : null));
  card.dataset.unknown = "";
  return card;
}

async function payAgain(result) {
  try {
    const goods = await goodsOf(result.orderId);
    location.assign(tillFor(goods.outBusinessId, goods.type));
  } catch (error) {
    toast(error.message);
  }
}

async function decided(result) {
  const name = h("p", {}, result.orderName);
  const sum = h("p", { class: "amount" }, h("small", {}, "¥"), yuan(result.totalPriceFen));
  const mine = Boolean(result.userId);
  const orders = mine ? buttonTo("我的订单", "orders.html", "plain") : null;
  if (result.orderStatus === ORDER.CLOSED) {
    show(main, outcome("care", "订单已关闭", "未支付的订单已关闭。如已付款，款项会自动退回或为您开通", name, orders));
  } else if (result.orderStatus === ORDER.REFUNDED) {
    show(main, outcome("still", "已退款", "款项将原路退回付款账户", name, sum, orders));
  } else if (!mine) {
    show(main, outcome("good", "支付成功", "已为下单人开通，感谢您的支付", name, sum));
  } else await opening(result, name, sum, orders);
}

async function opening(result, name, sum, orders) {
  show(main, outcome("good", "支付成功，正在开通", "通常只需几秒，请稍候", name, sum));
  let goods;
  const settled = (text) => show(main, outcome("good", "支付成功", text, name, sum,
    h("div", { class: "actions" }, goods ? wayTo(goods) : null, orders)));
  watching = poll(async () => {
    goods ??= await goodsOf(result.orderId);
    return arrived(goods);
  }, {
    answered: () => settled("已开通，现在就可以使用"),
    gaveUp: () => settled("正在开通，时间比平时长，请稍后查看。请勿重复支付"),
  });
}

if (payNo) ask();
else show(main, outcome("care", "没有支付信息", "请在「我的订单」查看", buttonTo("我的订单", "orders.html", "plain")));
