// The till for one record that awaits payment: what it costs, how long, and how to pay it.
//
// The address names the record, never a price. Opening it again is safe: the order stays the same
// while it can be paid, and a new one is made when it cannot.

import { get, post, Refused } from "../api.js";
import { COURSE, ORDER } from "../codes.js";
import { countDown } from "../countdown.js";
import { h, show } from "../dom.js";
import { DESKTOP, kind } from "../env.js";
import { yuan } from "../format.js";
import { busy, button, buttonTo, failure, frame, outcome, toast, waiting } from "../frame.js";
import { poll } from "../poll.js";

const query = new URLSearchParams(location.search);
const wanted = { outBusinessId: query.get("id") ?? "", orderType: query.get("type") ?? COURSE };
const shop = wanted.orderType === COURSE ? "index.html" : "materials.html";
const main = frame({ title: "收银台", back: shop });
const LEFT_FOR = "left-to-pay";
const MOST_TRIES = 8;

let watching = null;
let stopClock = () => {};

async function open(tries = 0) {
  leave();
  show(main, waiting(tries ? "处理中，请稍候" : "正在准备订单", tries ? "请勿重复支付" : ""));
  let code;
  try {
    code = await post("/orders/generatepaycode", wanted);
  } catch (error) {
    refused(error, tries);
    return;
  }
  draw(code);
}

function refused(error, tries) {
  const ways = {
    ORDER_ALREADY_PAID: () => outcome("good", "您已购买", "无需再次支付", buttonTo("查看", shop)),
    GOODS_BEING_OPENED: () => outcome("good", "支付成功，正在开通", "通常只需几秒，请勿重复支付", buttonTo("查看", shop)),
    NOT_FOR_SALE: () => outcome("care", "暂时不能购买", error.message, buttonTo("返回", shop, "plain")),
    NOT_FOUND: () => outcome("care", "没有找到要支付的内容", "请返回重新选择", buttonTo("返回", shop, "plain")),
    ORDER_NOT_PAYABLE: () => outcome("care", "订单暂不能支付", error.message, buttonTo("我的订单", "orders.html", "plain")),
  };
  if (error instanceof Refused && error.code === "PAYMENT_IN_PROGRESS" && tries < MOST_TRIES) {
    setTimeout(() => open(tries + 1), 1000 * (error.retryAfterSeconds ?? 3));
  } else if (error instanceof Refused && ways[error.code]) show(main, ways[error.code]());
  else show(main, failure(error, () => open()));
}

function draw(code) {
  const left = h("span", { class: "clock" });
  const changed = code.previousPriceFen !== undefined && code.previousPriceFen !== null
    ? h("p", { class: "notice care", role: "status" }, `价格已调整：原价 ¥${yuan(code.previousPriceFen)}，现价 ¥${yuan(code.totalPriceFen)}`)
    : null;
  const cameBack = sessionStorage.getItem(LEFT_FOR) === code.payNo;
  show(main,
    h("section", { class: "card centred" },
      h("h2", { class: "goods-name" }, code.orderName),
      h("p", { class: "amount" }, h("small", {}, "¥"), yuan(code.totalPriceFen)),
      h("p", { class: "quiet" }, "剩余支付时间 ", left),
      changed,
      kind === DESKTOP ? scanning(code) : null),
    h("div", { class: "actions" }, cameBack ? returned(code) : leaving(code)));
  stopClock = countDown(left, code, () => expired());
  watch(code);
}

function scanning(code) {
  return h("figure", {},
    h("div", { class: "qr" }, h("img", { src: code.qrcode, alt: "支付二维码", width: 200, height: 200 })),
    h("figcaption", { class: "quiet" }, "请用微信或支付宝扫一扫支付，支付后本页会自动更新"));
}

function leaving(code) {
  const pay = button(kind === DESKTOP ? "在这台设备上支付" : `立即支付 ¥${yuan(code.totalPriceFen)}`, (self) => {
    if (self.disabled) return;
    self.disabled = true;
    self.setAttribute("aria-busy", "true");
    sessionStorage.setItem(LEFT_FOR, code.payNo);
    location.assign(code.payUrl);
  }, kind === DESKTOP ? "plain" : "");
  return [pay, share(code), cancel(code)];
}

/** Back from the platform: nobody knows yet how it ended there. */
function returned(code) {
  return [
    h("p", { class: "notice", role: "status" }, "支付结果确认中。如果已经付款，请勿重复支付"),
    button("我已支付", () => {
      watching?.now();
      toast("正在查询支付结果");
    }),
    button("重新支付", (self) => {
      self.disabled = true;
      location.assign(code.payUrl);
    }, "plain"),
    cancel(code),
  ];
}

function share(code) {
  if (!navigator.clipboard || kind === DESKTOP) return null;
  return button("复制链接，请人代付", async () => {
    try {
      await navigator.clipboard.writeText(code.payUrl);
      toast("链接已复制，发给亲友即可代付");
    } catch {
      toast("无法复制，请让亲友扫描二维码支付");
    }
  }, "plain");
}

function cancel(code) {
  return button("取消订单", (self) => busy(self, async () => {
    await post(`/orders/${encodeURIComponent(code.orderId)}/cancel`);
    leave();
    show(main, closed("订单已取消", "需要时可以重新下单"));
  }), "quiet-button");
}

function watch(code) {
  const untilItEnds = (Date.parse(code.expiresAt) - Date.parse(code.now)) / 1000;
  watching = poll(async () => {
    const result = await get("/orders/payresult", { payNo: code.payNo });
    return result.orderStatus === ORDER.UNPAID ? undefined : result;
  }, { answered: (result) => ended(result), forSeconds: kind === DESKTOP ? untilItEnds : undefined });
}

function ended(result) {
  sessionStorage.removeItem(LEFT_FOR);
  leave();
  if (result.orderStatus === ORDER.CLOSED) show(main, closed("订单已关闭", "如已付款，款项会自动退回或为您开通"));
  else location.replace(`result.html?${new URLSearchParams({ payNo: result.payNo })}`);
}

/** The time is over: what was offered goes, what was paid in the last moment still counts. */
function expired() {
  show(main, closed("支付已超时", "订单已过期。如果刚刚完成支付，请稍候片刻查看「我的订单」，请勿重复支付"));
  watching?.now();
}

function closed(title, text) {
  return outcome("care", title, text, h("div", { class: "actions" },
    button("重新下单", () => open()), buttonTo("我的订单", "orders.html", "plain")));
}

function leave() {
  watching?.stop();
  watching = null;
  stopClock();
}

window.addEventListener("pageshow", (event) => {
  if (event.persisted) void open();
});
void open();
