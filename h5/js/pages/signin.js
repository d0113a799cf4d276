// Where the identity provider sends the browser back to.

import { finishSignIn, signIn } from "../auth.js";
import { h, show } from "../dom.js";
import { button, buttonTo, frame, outcome, waiting } from "../frame.js";

const main = frame({ title: "登录" });
const query = new URLSearchParams(location.search);

if (query.has("code") || query.has("error")) {
  // the code is used up with the next line: it need not stay in the address
  history.replaceState(null, "", location.pathname);
  show(main, waiting("正在登录", ""));
  finishSignIn(query).then(
    (next) => location.replace(next),
    (error) => show(main, outcome("bad", "没有登录成功", error.message, actions())),
  );
} else show(main, outcome("still", "请登录", "登录后可以购买课程、查看订单", actions()));

function actions() {
  const home = new URL("index.html", location.href).href;
  return h("div", { class: "actions" },
    button("登录", () => signIn(home).catch((error) => show(main, outcome("bad", "没有登录成功", error.message, actions())))),
    buttonTo("返回课程", "index.html", "plain"));
}
