// The courses there are.

import { get } from "../api.js";
import { LEARN, LEARN_SAID } from "../codes.js";
import { h } from "../dom.js";
import { button, busy, empty, frame, live } from "../frame.js";
import { price, validity } from "../goods.js";

const main = frame({ title: "课程", tab: "index.html" });

live(main, () => get("/learning/courses"), (page) => {
  if (!page.items.length) return empty("暂无课程", "课程上架后会显示在这里");
  const list = h("ul", { class: "list" }, page.items.map(card));
  return [list, more(list, page.nextPageToken)];
});

function card(course) {
  const [label, look] = LEARN_SAID[course.learnStatus] ?? [];
  return h("li", { class: "card" }, h("a", { class: "goods", href: `course.html?id=${encodeURIComponent(course.courseId)}` },
    h("h2", {}, course.courseName),
    h("div", { class: "row" },
      h("span", {}, price(course), h("span", { class: "quiet" }, ` · 有效期 ${validity(course.validDays)}`)),
      label ? h("span", { class: `tag ${look}` }, label) : h("span", { class: "quiet" }, course.learnStatus === LEARN.NOT_CHOSEN ? "查看" : ""))));
}

function more(list, token) {
  if (!token) return null;
  const next = button("加载更多", (self) => busy(self, async () => {
    const page = await get("/learning/courses", { pageToken: token });
    list.append(...page.items.map(card));
    self.replaceWith(more(list, page.nextPageToken) ?? "");
  }), "plain");
  return next;
}
