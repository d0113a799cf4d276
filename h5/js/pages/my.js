// My courses: what I may learn, what ends soon, what is over.

import { get } from "../api.js";
import { LEARN_SAID } from "../codes.js";
import { h, show } from "../dom.js";
import { minute } from "../format.js";
import { busy, button, buttonTo, empty, frame, live } from "../frame.js";

const main = frame({ title: "我的课程", tab: "my.html" });
const SIZE = 10;

const VIEWS = [
  ["全部", {}],
  ["即将到期", { expiresType: "1" }],
  ["已过期", { expiresType: "2" }],
  ["最近学习", { sortType: "1" }],
  ["免费课程", { courseType: "700001" }],
];

let view = {};
const list = h("div", { "aria-live": "polite" });
const filters = h("div", { class: "filters", role: "group", "aria-label": "筛选" }, VIEWS.map(([label, asked], place) => {
  const made = h("button", { type: "button", "aria-pressed": String(place === 0) }, label);
  made.addEventListener("click", () => {
    view = asked;
    for (const each of filters.children) each.setAttribute("aria-pressed", String(each === made));
    void reload();
  });
  return made;
}));
show(main, filters, list);

const page = (number) => get("/learning/mycoursetable", { ...view, page: String(number), size: String(SIZE) });
const reload = live(list, () => page(1), (table) => {
  if (!table.items.length) return nothing();
  const rows = h("ul", { class: "list" }, table.items.map(card));
  return [rows, more(rows, table)];
});

function nothing() {
  const all = Object.keys(view).length === 0;
  return all
    ? empty("还没有课程", "选一门课程开始学习吧", buttonTo("去选课", "index.html"))
    : empty("没有符合条件的课程", "换个条件看看");
}

function card(row) {
  const [label, look] = LEARN_SAID[row.learnStatus] ?? [];
  return h("li", { class: "card" }, h("a", { class: "goods", href: `course.html?id=${encodeURIComponent(row.courseId)}` },
    h("h2", {}, row.courseName),
    h("div", { class: "row" },
      h("span", { class: "quiet" }, `有效期至 ${minute(row.validtimeEnd)}`),
      label ? h("span", { class: `tag ${look}` }, label) : null)));
}

function more(rows, table) {
  if (table.page * table.pageSize >= table.counts) return null;
  return button("加载更多", (self) => busy(self, async () => {
    const next = await page(table.page + 1);
    rows.append(...next.items.map(card));
    self.replaceWith(more(rows, next) ?? "");
  }), "plain");
}
