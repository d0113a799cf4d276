// One course: what it costs, how long it is open, and what this student can do about it.

import { get, post } from "../api.js";
import { LEARN, LEARN_SAID, COURSE, CHARGE } from "../codes.js";
import { config } from "../config.js";
import { h, show } from "../dom.js";
import { minute } from "../format.js";
import { button, buttonTo, busy, frame, live, outcome, toast, waiting } from "../frame.js";
import { choose, price, validity } from "../goods.js";
import { poll } from "../poll.js";

const courseId = new URLSearchParams(location.search).get("id") ?? "";
const path = encodeURIComponent(courseId);
const main = frame({ title: "课程详情", back: "index.html" });

const reload = live(main, () => get(`/learning/courses/${path}`), (course) => {
  document.title = course.courseName;
  const [label, look] = LEARN_SAID[course.learnStatus] ?? [];
  return [
    h("section", { class: "card" },
      h("div", { class: "goods" }, h("h2", {}, course.courseName)),
      h("div", { class: "row" }, price(course), label ? h("span", { class: `tag ${look}` }, label) : null),
      h("dl", { class: "facts" },
        h("div", {}, h("dt", {}, "有效期"), h("dd", {}, `自支付起 ${validity(course.validDays)}`)),
        course.validtimeEnd ? h("div", {}, h("dt", {}, "到期时间"), h("dd", {}, minute(course.validtimeEnd))) : null),
      course.notForSale ? h("p", { class: "notice care" }, course.notForSale) : null),
    h("div", { class: "actions" }, actions(course)),
  ];
});

function actions(course) {
  const buy = (label, look) => button(label, (self) => busy(self, () => choosing(course)), look);
  const sold = !course.notForSale;
  if (course.learnStatus === LEARN.MAY_LEARN) {
    return [button("学习", (self) => busy(self, () => learn())), course.renewable ? buy(again(course), "plain") : null];
  }
  if (!sold) return buttonTo("看看其他课程", "index.html", "plain");
  if (course.learnStatus === LEARN.EXPIRED) return buy(again(course));
  return buy(course.charge === CHARGE.FREE ? "免费选课" : "购买");
}

function again(course) {
  return course.charge === CHARGE.FREE ? "重新选课" : "续费";
}

async function choosing(course) {
  let till;
  try {
    till = await choose(`/learning/choosecourse/${path}`, COURSE);
  } catch (error) {
    if (error.code !== "GOODS_BEING_OPENED") throw error;
    opening();
    return;
  }
  if (till) location.assign(till);
  else {
    toast(course.charge === CHARGE.FREE ? "已选课" : "您已购买该课程");
    await reload();
  }
}

/** Paid, and the grant is on its way: it is there in a moment. */
function opening() {
  show(main, waiting("支付成功，正在开通", "通常只需几秒，请勿重复支付"));
  poll(async () => {
    const status = await post(`/learning/choosecourse/learnstatus/${path}`);
    return status.learnStatus === LEARN.MAY_LEARN ? status : undefined;
  }, {
    answered: reload,
    gaveUp: () => show(main, outcome("care", "正在开通", "开通时间比平时长，您可以稍后在「我的课程」查看。请勿重复支付", buttonTo("我的课程", "my.html"))),
  });
}

async function learn() {
  await post(`/learning/learnrecord/${path}`);
  const { learnUrl } = await config();
  if (learnUrl) location.assign(learnUrl.replace("{courseId}", path));
  else toast("已记录学习时间");
}
