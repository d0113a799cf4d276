// What people read: yuan, Beijing time, minutes and seconds.

/** `990` → `9.90`. Fen are whole numbers, so nothing is rounded. */
export function yuan(fen) {
  return `${Math.trunc(fen / 100)}.${String(fen % 100).padStart(2, "0")}`;
}

/** `125` → `02:05`; hours are minutes. */
export function clock(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${String(Math.trunc(whole / 60)).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
}

/** `2026-11-25 12:00:00`, as the API writes Beijing time, without the seconds. */
export function minute(beijingText) {
  return beijingText ? beijingText.slice(0, 16) : "";
}

/** The Beijing day and minute of an RFC 3339 moment. */
export function beijing(moment) {
  if (!moment) return "";
  const shifted = new Date(Date.parse(moment) + 8 * 3600_000);
  return shifted.toISOString().slice(0, 16).replace("T", " ");
}

/** `1536` → `1.5 KB`. */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const [value, unit] = bytes < 1024 ** 2 ? [bytes / 1024, "KB"] : [bytes / 1024 ** 2, "MB"];
  return `${value.toFixed(1)} ${unit}`;
}
