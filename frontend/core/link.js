// One entry of the browser's history per act of the visitor. Streamlit pushes one for each value that it writes into the
// address, and one more when a page is left, so that "back" would stop at addresses that nobody has seen.

const ACTS = ["pointerdown", "keydown", "input", "click"];

(() => {
  if (history.guarded) return; // it comes with every page
  history.guarded = true;
  let acted = false;
  for (const act of ACTS) addEventListener(act, () => (acted = true), true);
  addEventListener("popstate", () => (acted = false), true);
  const push = history.pushState.bind(history);
  history.pushState = (...entry) => {
    if (acted) push(...entry);
    else history.replaceState(...entry);
    acted = false;
  };
})();
