// What differs between deployments: /h5/config.json, read once.

let loading;

/** `{issuer, clientId, scope, learnUrl}`; `learnUrl` has `{courseId}` in it and may be missing. */
export function config() {
  loading ??= fetch(new URL("../config.json", import.meta.url), { cache: "no-cache" }).then((answer) => {
    if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
    return answer.json();
  });
  return loading;
}
