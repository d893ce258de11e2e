// Keeps one browser history entry per action of the visitor. Streamlit pushes one for each value that it writes into the
// URL, and another when a page is left, so "back" would stop at URLs that were never shown.

const ACTS = ["pointerdown", "keydown", "input", "click"];

(() => {
  if (history.guarded) return; // the script is loaded with every page
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
