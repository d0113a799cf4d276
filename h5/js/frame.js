// What every page stands in: a heading, the tabs, and the states that any page can be in.

import { Refused, SignedOut } from "./api.js";
import { forget, signedInName, signIn } from "./auth.js";
import { h, show } from "./dom.js";

const TABS = [
  ["index.html", "课程"],
  ["materials.html", "资料"],
  ["my.html", "我的课程"],
  ["orders.html", "订单"],
];
const TOAST_MS = 3000;

/**
 * Build the frame of a page and answer its `main`.
 *
 * With `tab`, the page is one of the tabs; with `back`, an arrow leads to that address.
 */
export function frame({ title, tab, back }) {
  document.title = title;
  const main = h("main", { id: "main", class: tab ? undefined : "bare" });
  const top = h("header", { class: "top" }, h("div", { class: "top-row" },
    back ? h("a", { class: "back", href: back, "aria-label": "返回" }) : null,
    h("h1", {}, title),
    account(),
  ));
  document.body.className = tab ? "with-tabs" : "";
  show(document.body, top, main, tab ? tabs(tab) : null);
  return main;
}

function account() {
  const name = signedInName();
  if (!name) return null;
  const leave = () => {
    forget();
    location.reload();
  };
  return h("button", { class: "link", type: "button", "aria-label": `${name}，退出登录`, on: { click: leave } }, `${name} · 退出`);
}

function tabs(current) {
  return h("nav", { class: "tabs", "aria-label": "主导航" }, h("ul", {}, TABS.map(([address, label]) =>
    h("li", {}, h("a", { href: address, "aria-current": address === current ? "page" : undefined }, label)))));
}

/** Grey boxes where a list will be. */
export function loading(main, boxes = 3) {
  show(main,
    h("p", { class: "quiet", role: "status" }, "加载中…"),
    Array.from({ length: boxes }, () => h("div", { class: "skeleton", "aria-hidden": "true" })));
}

/** Something that turns, and what it is waiting for. */
export function waiting(title, text) {
  return h("section", { class: "card centred outcome", role: "status" },
    h("span", { class: "spinner", "aria-hidden": "true" }), h("h2", {}, title), text ? h("p", { class: "quiet" }, text) : null);
}

/** How something ended: `kind` is good, care, bad or still. */
export function outcome(kind, title, text, ...more) {
  const signs = { good: "✓", care: "!", bad: "×", still: "–" };
  return h("section", { class: "card centred outcome", role: kind === "bad" ? "alert" : "status" },
    h("span", { class: `sign ${kind}`, "aria-hidden": "true" }, signs[kind]),
    h("h2", {}, title), text ? h("p", { class: "quiet" }, text) : null, more);
}

/** Nothing is there, and what to do about it. */
export function empty(title, text, action) {
  return h("div", { class: "state" },
    h("span", { class: "sign", "aria-hidden": "true" }, "–"), h("h2", {}, title), h("p", {}, text), action);
}

/** An error with its way forward: sign in, or try again. */
export function failure(error, retry) {
  if (error instanceof SignedOut) {
    return h("div", { class: "state" }, h("span", { class: "sign", "aria-hidden": "true" }, "→"),
      h("h2", {}, "请先登录"), h("p", {}, "登录后可以购买课程、查看订单"),
      button("登录", (self) => busy(self, () => signIn())));
  }
  const known = error instanceof Refused;
  return h("div", { class: "state", role: "alert" }, h("span", { class: "sign bad", "aria-hidden": "true" }, "!"),
    h("h2", {}, known ? "暂时无法完成" : "网络异常"),
    h("p", {}, error.message || "系统繁忙，请稍后再试"),
    known && error.requestId ? h("p", { class: "quiet" }, `请求编号 ${error.requestId}`) : null,
    retry ? button("重试", retry) : null);
}

/** A button; `press` gets it. `look` adds classes: plain, small, quiet-button. */
export function button(label, press, look = "") {
  const made = h("button", { class: `button ${look}`.trim(), type: "button" }, label);
  made.addEventListener("click", () => press(made));
  return made;
}

/** A link that looks like a button. */
export function buttonTo(label, address, look = "") {
  return h("a", { class: `button ${look}`.trim(), href: address }, label);
}

/** Lock a button while `work` is under way: a second tap does nothing. */
export async function busy(pressed, work) {
  if (pressed.getAttribute("aria-busy") === "true") return undefined;
  pressed.setAttribute("aria-busy", "true");
  pressed.disabled = true;
  try {
    return await work();
  } catch (error) {
    toast(error.message);
    return undefined;
  } finally {
    pressed.removeAttribute("aria-busy");
    pressed.disabled = false;
  }
}

/** One sentence for a moment. */
export function toast(text) {
  document.querySelector(".toast")?.remove();
  const said = h("div", { class: "toast", role: "alert" }, text);
  document.body.append(said);
  setTimeout(() => said.remove(), TOAST_MS);
}

/**
 * Fill `main` with what `load` answers, drawn by `draw`; whatever goes wrong is shown with its way
 * forward. Also when the page comes back out of the back-forward cache: what it showed is old.
 */
export function live(main, load, draw) {
  async function once() {
    try {
      show(main, await draw(await load()));
    } catch (error) {
      show(main, failure(error, () => {
        loading(main);
        void once();
      }));
    }
  }
  loading(main);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) void once();
  });
  void once();
  return once;
}
