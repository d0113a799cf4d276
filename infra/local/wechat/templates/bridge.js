// What WeChat's own browser gives every page: an object that asks the payer and answers the page.
(function () {
  "use strict";
  const origin = {{ origin|tojson }};

  async function ask(action, parameters) {
    // text/plain needs no preflight; the cookie says who the payer is
    const answer = await fetch(origin + "/_bridge/" + action, {
      method: "POST",
      body: JSON.stringify(parameters),
      credentials: "include",
      headers: { "Content-Type": "text/plain" },
    });
    return answer.json();
  }

  function button(text, action) {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = text;
    element.dataset.wechat = action;
    element.style.cssText = "display:block;width:100%;margin:8px 0;padding:12px;font:inherit";
    return element;
  }

  function chosenByPayer(order) {
    return new Promise(function (resolve) {
      const sheet = document.createElement("div");
      sheet.setAttribute("role", "dialog");
      sheet.setAttribute("aria-label", "微信支付（模拟）");
      sheet.style.cssText =
        "position:fixed;left:0;right:0;bottom:0;padding:16px;background:#fff;color:#333;" +
        "border-top:4px solid #07823c;font:16px/1.6 system-ui,sans-serif;z-index:2147483647";
      const text = document.createElement("p");
      text.textContent = "微信支付（模拟）：" + order.description + " ¥" + (order.total / 100).toFixed(2);
      sheet.append(text);
      for (const [label, action] of [["确认支付", "pay"], ["取消", "cancel"]]) {
        const element = button(label, action);
        element.addEventListener("click", function () {
          sheet.remove();
          resolve(action);
        });
        sheet.append(element);
      }
      document.body.append(sheet);
    });
  }

  async function pay(parameters) {
    const order = await ask("check", parameters);
    if (order.err_msg !== "get_brand_wcpay_request:ok") return order;
    const result = await ask(await chosenByPayer(order), parameters);
    return { err_msg: result.err_msg, err_desc: result.err_desc };
  }

  window.WeixinJSBridge = {
    invoke: function (name, parameters, callback) {
      if (name !== "getBrandWCPayRequest") {
        callback({ err_msg: name + ":fail" });
        return;
      }
      pay(parameters).then(callback, function (error) {
        callback({ err_msg: "get_brand_wcpay_request:fail", err_desc: String(error) });
      });
    },
  };
  document.dispatchEvent(new Event("WeixinJSBridgeReady"));
})();
