// The platform's codes, and how they are said.

export const COURSE = "60201";
export const MATERIAL = "60202";

export const ORDER = { UNPAID: "600001", PAID: "600002", CLOSED: "600003", REFUNDED: "600004", COMPLETED: "600005" };
export const CHOOSE = { CHOSEN: "701001", AWAITING_PAYMENT: "701002", REFUNDED: "701003" };
export const LEARN = { MAY_LEARN: "702001", NOT_CHOSEN: "702002", EXPIRED: "702003" };
export const CHARGE = { FREE: "201000", PAID: "201001" };

/** Label and look of an order's status. */
export const ORDER_SAID = {
  [ORDER.UNPAID]: ["待支付", "care"],
  [ORDER.PAID]: ["已支付", "good"],
  [ORDER.CLOSED]: ["已关闭", ""],
  [ORDER.REFUNDED]: ["已退款", ""],
  [ORDER.COMPLETED]: ["已完成", "good"],
};

export const LEARN_SAID = {
  [LEARN.MAY_LEARN]: ["可学习", "good"],
  [LEARN.EXPIRED]: ["已过期", "care"],
};
