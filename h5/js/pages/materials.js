// Study materials: what there is, what is mine, and the way to the file.

import { get } from "../api.js";
import { CHARGE, MATERIAL } from "../codes.js";
import { h, show } from "../dom.js";
import { size } from "../format.js";
import { busy, button, buttonTo, empty, frame, live, toast } from "../frame.js";
import { choose, price } from "../goods.js";

const main = frame({ title: "学习资料", tab: "materials.html" });

let mine = new URLSearchParams(location.search).has("mine");
const list = h("div", { "aria-live": "polite" });
const filters = h("div", { class: "filters", role: "group", "aria-label": "范围" }, [["全部资料", false], ["我的资料", true]].map(([label, wanted]) => {
  const made = h("button", { type: "button", "aria-pressed": String(mine === wanted) }, label);
  made.addEventListener("click", () => {
    mine = wanted;
    for (const each of filters.children) each.setAttribute("aria-pressed", String(each === made));
    void reload();
  });
  return made;
}));
show(main, filters, list);

const reload = live(list, () => (mine ? get("/resources/mine") : get("/resources")), (page) => {
  if (!page.items.length) {
    return mine ? empty("还没有资料", "购买后可以随时下载", buttonTo("看看资料", "materials.html")) : empty("暂无资料", "资料上架后会显示在这里");
  }
  const rows = h("ul", { class: "list" }, page.items.map(card));
  return [rows, more(rows, page)];
});

function card(material) {
  const owned = mine || material.owned;
  return h("li", { class: "card" },
    h("div", { class: "goods" }, h("h2", {}, material.materialName)),
    h("p", { class: "quiet" }, `${material.fileName} · ${size(material.sizeBytes)}`),
    h("div", { class: "row" },
      owned ? h("span", { class: "tag good" }, mine ? "长期有效" : "已购买") : price(material),
      owned ? download(material) : buy(material)));
}

function download(material) {
  return button("下载", (self) => busy(self, async () => {
    const link = await get(`/resources/${encodeURIComponent(material.materialId)}/download`);
    location.assign(link.url);
    toast("开始下载");
  }), "small");
}

function buy(material) {
  const free = material.charge === CHARGE.FREE;
  return button(free ? "免费领取" : "购买", (self) => busy(self, async () => {
    const till = await choose(`/resources/choose/${encodeURIComponent(material.materialId)}`, MATERIAL);
    if (till) location.assign(till);
    else {
      toast(free ? "已领取" : "您已购买该资料");
      await reload();
    }
  }), "small");
}

function more(rows, page) {
  const onward = mine
    ? page.page * page.pageSize < page.counts && { page: String(page.page + 1) }
    : page.nextPageToken && { pageToken: page.nextPageToken };
  if (!onward) return null;
  return button("加载更多", (self) => busy(self, async () => {
    const next = await get(mine ? "/resources/mine" : "/resources", onward);
    rows.append(...next.items.map(card));
    self.replaceWith(more(rows, next) ?? "");
  }), "plain");
}
