// Asks again and again, ever more slowly, and not while nobody looks.

const WAITS_SECONDS = [0, 1, 2, 3, 5, 8, 10];
const FOR_SECONDS = 120;

/**
 * Call `ask` until it answers with something other than undefined, which goes to `answered`.
 *
 * One question at a time: at once, then after 1, 2, 3, 5, 8, 10, 10 … seconds, for two minutes (`forSeconds`) of
 * being looked at; then `gaveUp`. While the page is hidden nothing is asked; whoever comes back, also
 * out of the back-forward cache, is answered at once and gets the time anew. An `ask` that fails is
 * asked again, and `failed` is told. Returns `{stop, now}`.
 */
export function poll(ask, { answered, gaveUp = () => {}, failed = () => {}, forSeconds = FOR_SECONDS, world = browserWorld() }) {
  let timer = null;
  let asked = 0;
  let since = world.now();
  let busy = false;
  let over = false;

  function schedule() {
    if (over || world.hidden()) return;
    if (world.now() - since > forSeconds) {
      gaveUp();
      return;
    }
    const wait = WAITS_SECONDS[Math.min(asked, WAITS_SECONDS.length - 1)];
    timer = world.after(wait, question);
  }

  async function question() {
    timer = null;
    if (over || busy) return;
    busy = true;
    asked += 1;
    let answer;
    try {
      answer = await ask();
    } catch (error) {
      if (!over) failed(error);
    } finally {
      busy = false;
    }
    if (over) return;
    if (answer !== undefined) {
      stop();
      answered(answer);
    } else schedule();
  }

  function afresh() {
    if (over || busy || world.hidden()) return;
    world.cancel(timer);
    asked = 0;
    since = world.now();
    schedule();
  }

  function looked() {
    if (world.hidden()) {
      world.cancel(timer);
      timer = null;
    } else afresh();
  }

  function stop() {
    over = true;
    world.cancel(timer);
    unlisten();
  }

  const unlisten = world.onLooking(looked);
  schedule();
  return { stop, now: afresh };
}

function browserWorld() {
  return {
    now: () => performance.now() / 1000,
    hidden: () => document.hidden,
    after: (seconds, call) => setTimeout(call, seconds * 1000),
    cancel: (timer) => clearTimeout(timer),
    onLooking(call) {
      document.addEventListener("visibilitychange", call);
      window.addEventListener("pageshow", call);
      window.addEventListener("online", call);
      return () => {
        document.removeEventListener("visibilitychange", call);
        window.removeEventListener("pageshow", call);
        window.removeEventListener("online", call);
      };
    },
  };
}
