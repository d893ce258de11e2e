// Draws an answer: paragraphs and lists, in which each fact is a button that opens its card below.
// All text is set by textContent, so a name is never markup.

function element(tag, text, name) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
}

function card(fact, id, root) {
  const made = element("div", undefined, "card");
  made.id = "card";
  made.setAttribute("role", "region");
  made.setAttribute("aria-label", fact.label);
  made.append(element("strong", fact.label));
  const list = element("dl");
  for (const [name, value] of fact.rows) list.append(element("dt", name), element("dd", value));
  made.append(list);
  if (fact.opens) {
    const open = element("button", fact.opens, "open");
    open.type = "button";
    open.onclick = () => root.open(id);
    made.append(open);
  }
  return made;
}

function toggle(button, block, id, root, cards) {
  const opened = button.getAttribute("aria-expanded") === "true";
  for (const other of root.querySelectorAll(".fact")) {
    other.setAttribute("aria-expanded", "false");
    other.removeAttribute("aria-controls");
  }
  root.querySelector(".card")?.remove();
  if (opened) return;
  button.setAttribute("aria-expanded", "true");
  button.setAttribute("aria-controls", "card");
  const made = card(cards[id], id, root);
  if (block.tagName === "LI") block.append(made);
  else block.after(made);
}

function drawn(piece, block, root, cards) {
  if (!cards[piece.fact]) return element(piece.bold ? "strong" : "span", piece.text);
  const button = element("span", piece.text, piece.bold ? "fact bold" : "fact"); // a button element would not wrap
  button.setAttribute("role", "button");
  button.setAttribute("aria-expanded", "false");
  button.tabIndex = 0;
  button.onclick = () => toggle(button, block, piece.fact, root, cards);
  button.onkeydown = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    button.click();
  };
  return button;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const said = JSON.stringify(data);
  let root = parentElement.querySelector(".answer");
  if (!root) {
    root = element("div", undefined, "answer");
    parentElement.append(root);
  }
  root.open = (id) => setTriggerValue("open", id);
  if (root.said === said) return; // unchanged: keeps an open card open
  root.said = said;
  root.replaceChildren();
  let list = null;
  for (const { item, pieces } of data.blocks) {
    const block = element(item ? "li" : "p");
    block.append(...pieces.map((piece) => drawn(piece, block, root, data.cards)));
    if (!item) list = null;
    else if (!list) root.append((list = element("ul")));
    (list ?? root).append(block);
  }
}
