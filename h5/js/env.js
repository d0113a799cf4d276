// Which kind of browser this is. It decides what is offered, never what is believed.

export const WECHAT = "wechat";
export const ALIPAY = "alipay";
export const PHONE = "phone";
export const DESKTOP = "desktop";

/** The kind of browser that has this user agent. */
export function kindOf(userAgent) {
  if (/MicroMessenger/i.test(userAgent)) return WECHAT;
  if (/AlipayClient/i.test(userAgent)) return ALIPAY;
  if (/Android|iPhone|iPad|iPod|HarmonyOS|Mobile/i.test(userAgent)) return PHONE;
  return DESKTOP;
}

export const kind = kindOf(navigator.userAgent);
