// A strip above the page: which kind of browser this one is taken for, and the others.
// It stands beside the body, which pages may fill anew, and in a tree of its own, which no
// stylesheet of a page reaches.
function localBrowser({ userAgent, current, choices, title }) {
  "use strict";
  if (userAgent) {
    Object.defineProperty(Navigator.prototype, "userAgent", { get: () => userAgent, configurable: true });
  }
  const look = `
    :host { all: initial; display: block; position: sticky; top: 0; z-index: 2147483646; }
    nav { display: flex; gap: 4px; align-items: center; padding: 4px 8px; overflow-x: auto;
          background: #1f2a37; color: #d5dde8; font: 13px/1.4 system-ui, sans-serif; white-space: nowrap; }
    a { padding: 8px 10px; border-radius: 6px; color: #d5dde8; text-decoration: none; }
    a[aria-current] { background: #ffd166; color: #1f2a37; font-weight: 600; }
    a:focus-visible { outline: 2px solid #ffd166; outline-offset: -2px; }`;

  function show() {
    const host = document.createElement("div");
    host.id = "local-browser";
    const tree = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(look);
    tree.adoptedStyleSheets = [sheet];
    const bar = document.createElement("nav");
    bar.setAttribute("aria-label", title);
    bar.append(title);
    for (const [kind, label, address] of choices) {
      const link = document.createElement("a");
      const target = new URL(address, location.href);
      // the address of now, which a page may have changed since it was loaded
      target.searchParams.set("to", location.pathname + location.search + location.hash);
      link.href = target.href;
      link.textContent = label;
      if (kind === current) link.setAttribute("aria-current", "true");
      bar.append(link);
    }
    tree.append(bar);
    document.documentElement.insertBefore(host, document.body);
  }

  if (document.body) show();
  else document.addEventListener("DOMContentLoaded", show);
}
