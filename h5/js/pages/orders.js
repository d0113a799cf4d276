// My orders: pay, cancel, and what became of a refund.

import { get, post } from "../api.js";
import { MATERIAL, ORDER, ORDER_SAID } from "../codes.js";
import { h, show } from "../dom.js";
import { minute, yuan } from "../format.js";
import { busy, button, buttonTo, empty, frame, live } from "../frame.js";
import { tillFor } from "../goods.js";

const main = frame({ title: "我的订单", tab: "orders.html" });

const VIEWS = [["全部", ""], ["待支付", ORDER.UNPAID], ["已支付", ORDER.PAID], ["已退款", ORDER.REFUNDED], ["已关闭", ORDER.CLOSED]];
const REFUND_SAID = {
  awaiting_approval: "退款审核中",
  owed: "退款处理中",
  sent: "退款处理中",
  done: "已退款",
  manual: "退款处理中，客服将与您联系",
};

let status = "";
const list = h("div", { "aria-live": "polite" });
const filters = h("div", { class: "filters", role: "group", "aria-label": "订单状态" }, VIEWS.map(([label, asked], place) => {
  const made = h("button", { type: "button", "aria-pressed": String(place === 0) }, label);
  made.addEventListener("click", () => {
    status = asked;
    for (const each of filters.children) each.setAttribute("aria-pressed", String(each === made));
    void reload();
  });
  return made;
}));
show(main, filters, list);

const reload = live(list, () => get("/orders", { status }), (page) => {
  if (!page.items.length) return empty("没有订单", status ? "换个状态看看" : "购买后可以在这里查看", status ? null : buttonTo("去选课", "index.html"));
  const rows = h("ul", { class: "list" }, page.items.map(card));
  return [rows, more(rows, page.nextPageToken)];
});

function card(order) {
  const [label, look] = ORDER_SAID[order.status] ?? [order.status, ""];
  const details = h("div", {});
  return h("li", { class: "card" },
    h("div", { class: "goods" }, h("h2", {}, order.orderName)),
    h("div", { class: "row" }, h("span", { class: "price" }, `¥${yuan(order.totalPriceFen)}`), h("span", { class: `tag ${look}` }, label)),
    h("p", { class: "quiet" }, `${order.orderType === MATERIAL ? "学习资料" : "课程"} · ${minute(order.createDate)}`),
    details,
    actions(order, details));
}

function actions(order, details) {
  if (order.status === ORDER.UNPAID) {
    return h("div", { class: "row" },
      button("取消订单", (self) => busy(self, async () => {
        await post(`/orders/${encodeURIComponent(order.orderId)}/cancel`);
        await reload();
      }), "plain small"),
      buttonTo("去支付", tillFor(order.outBusinessId, order.orderType), "small"));
  }
  const look = h("button", { class: "link", type: "button", "aria-expanded": "false" }, "查看明细");
  look.addEventListener("click", () => busy(look, async () => {
    show(details, facts(await get(`/orders/${encodeURIComponent(order.orderId)}`)));
    look.hidden = true;
  }));
  return look;
}

function facts(order) {
  const line = (term, text) => h("div", {}, h("dt", {}, term), h("dd", {}, text));
  return h("dl", { class: "facts" },
    line("订单号", order.orderId),
    order.paySuccessTime ? line("支付时间", minute(order.paySuccessTime)) : null,
    order.refunds.map((refund) => line(`退款 ¥${yuan(refund.refundFen)}`, REFUND_SAID[refund.status] ?? "退款未进行")));
}

function more(rows, token) {
  if (!token) return null;
  return button("加载更多", (self) => busy(self, async () => {
    const page = await get("/orders", { status, pageToken: token });
    rows.append(...page.items.map(card));
    self.replaceWith(more(rows, page.nextPageToken) ?? "");
  }), "plain");
}
