// The API of this origin. Amounts, states and users come from it; none is ever sent to it.

import { accessToken, forget } from "./auth.js";

const WAIT_MS = 32_000; // the gateway gives up after 29 s

/** The API said no: `code` and `message` are its own, `message` is for the person who looks. */
export class Refused extends Error {
  constructor(status, body, retryAfterSeconds) {
    super(body.errMessage || "系统繁忙，请稍后再试");
    this.status = status;
    this.code = body.errCode || "";
    this.requestId = body.requestId || "";
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** No answer: nobody knows what became of the request. */
export class NoAnswer extends Error {
  constructor(cause) {
    super("网络异常，请检查网络后重试", { cause });
  }
}

/** Nobody is signed in, or the token is over. */
export class SignedOut extends Error {
  constructor() {
    super("请先登录");
  }
}

export function get(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value) query.set(name, value);
  const text = query.toString();
  return call("GET", text ? `${path}?${text}` : path);
}

export function post(path, body) {
  return call("POST", path, body);
}

/** As `get`, for whoever holds a signed link: nobody needs to be signed in. */
export function getByLink(path, parameters) {
  return call("GET", `${path}?${new URLSearchParams(parameters)}`, undefined, { anyone: true });
}

async function call(method, path, body, { anyone = false } = {}) {
  const token = accessToken();
  if (!token && !anyone) throw new SignedOut();
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer, said;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(WAIT_MS),
    });
    said = await answer.json().catch(() => ({}));
  } catch (error) {
    throw new NoAnswer(error);
  }
  if (answer.ok) return said;
  if (answer.status === 401 && !anyone) {
    forget();
    throw new SignedOut();
  }
  throw new Refused(answer.status, said, Number(answer.headers.get("Retry-After")) || null);
}
