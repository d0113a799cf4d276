// Signing in at any OpenID Connect provider: authorization code with PKCE (RFC 7636), S256.
//
// The token stays in this tab's session storage, and is never part of an address. The API checks
// it; what is read of it here is a name to greet with.

import { config } from "./config.js";

const TOKEN = "signed-in";
const UNDER_WAY = "signing-in";
const SIGN_IN_PAGE = new URL("../signin.html", import.meta.url).href;
const SECONDS_TO_SPARE = 30;

/** The access token while it is good; null otherwise. */
export function accessToken() {
  const kept = read(TOKEN);
  if (!kept) return null;
  if (kept.endsAt <= Date.now() / 1000 + SECONDS_TO_SPARE) {
    forget();
    return null;
  }
  return kept.token;
}

/** What to call who is signed in; empty when nobody is. */
export function signedInName() {
  return accessToken() ? read(TOKEN).name : "";
}

/** Sign out of this tab. */
export function forget() {
  sessionStorage.removeItem(TOKEN);
}

/** Leave for the provider; whoever comes back lands on `returnTo`, an address of this site. */
export async function signIn(returnTo = location.href) {
  const { issuer, clientId, scope } = await config();
  const provider = await discover(issuer);
  const [state, nonce, verifier] = [random(), random(), random()];
  sessionStorage.setItem(UNDER_WAY, JSON.stringify({ state, nonce, verifier, returnTo }));
  const question = new URL(provider.authorization_endpoint);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const parameters = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: SIGN_IN_PAGE,
    scope: scope || "openid profile",
    state,
    nonce,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) question.searchParams.set(name, value);
  location.assign(question);
}

/**
 * What the provider sent back, in the address of the sign-in page; answers where to go on.
 *
 * Throws an Error with a Chinese message when this is not the answer to our question.
 */
export async function finishSignIn(query) {
  const asked = read(UNDER_WAY);
  sessionStorage.removeItem(UNDER_WAY);
  if (query.get("error")) throw new Error(query.get("error") === "access_denied" ? "您取消了登录" : "登录失败，请重试");
  if (!asked || !query.get("code") || query.get("state") !== asked.state) throw new Error("登录已失效，请重新登录");
  const { issuer, clientId } = await config();
  const provider = await discover(issuer);
  const answer = await fetch(provider.token_endpoint, {
    method: "POST",
    credentials: "omit",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code: query.get("code"),
      redirect_uri: SIGN_IN_PAGE,
      client_id: clientId,
      code_verifier: asked.verifier,
    }),
  });
  if (!answer.ok) throw new Error("登录失败，请重试");
  const tokens = await answer.json();
  const about = claimsOf(tokens.id_token);
  // over TLS from the provider itself, the ID token needs no check of its signature
  // (OpenID Connect Core 1.0, 3.1.3.7); that it answers our question does
  if (about.nonce !== asked.nonce || about.iss !== provider.issuer) throw new Error("登录已失效，请重新登录");
  const endsAt = Date.now() / 1000 + Number(tokens.expires_in || 3600);
  const name = about.name || about.nickname || about.preferred_username || "";
  sessionStorage.setItem(TOKEN, JSON.stringify({ token: tokens.access_token, endsAt, name }));
  return sameSite(asked.returnTo) ? asked.returnTo : new URL("../index.html", import.meta.url).href;
}

async function discover(issuer) {
  const answer = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  if (!answer.ok) throw new Error("登录服务暂时不可用，请稍后再试");
  const provider = await answer.json();
  if (provider.issuer !== issuer) throw new Error("登录服务配置有误");
  return provider;
}

function sameSite(address) {
  try {
    return new URL(address).origin === location.origin;
  } catch {
    return false;
  }
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function claimsOf(token) {
  try {
    const payload = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return {};
  }
}

function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}
