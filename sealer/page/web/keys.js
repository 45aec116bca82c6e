// The table of keys: what each holds is hidden until it is shown.

import { textOf } from "./bytes.js";
import { rowsOf } from "./draft.js";
import { element, made } from "./elements.js";

/** @typedef {import("./draft.js").Draft} Draft */
/** @typedef {import("./draft.js").Row} Row */
/** @typedef {(word: string, facts?: Record<string, string | number>) => string} Say */
/** @typedef {{rename: (key: string, name: string) => void, remove: (key: string) => void}} Actions */

/** @param {Draft} draft @param {Say} told @param {Actions} actions */
export function showKeys(draft, told, actions) {
  const table = element("items", HTMLTableElement);
  const rows = rowsOf(draft);
  table.hidden = rows.length === 0;
  const body = table.tBodies[0];
  body?.replaceChildren(...rows.map((row, at) => rowFor(draft, row, at, told, actions)));
}

/** @param {Draft} draft @param {Row} row @param {number} at @param {Say} told @param {Actions} actions */
function rowFor(draft, row, at, told, actions) {
  const id = `item-${at}`;
  const line = made("tr", "");
  const name = made("td", row.key, { id, class: "code" });
  const value = made("td", told(`items.${row.state}`, { size: row.size }));
  const buttons = made("div", "", { class: "row" });
  const describedBy = { type: "button", "aria-describedby": id };
  const bytes = draft.items.find((item) => item.key === row.key)?.bytes;
  const text = bytes ? textOf(bytes) : null;
  if (text !== null) buttons.append(shower(value, text, row, told, describedBy));
  const rename = made("button", told("rename"), describedBy);
  rename.addEventListener("click", () => askName(name, row.key, told, actions));
  const remove = made("button", told("remove"), describedBy);
  remove.addEventListener("click", () => actions.remove(row.key));
  buttons.append(rename, remove);
  const last = made("td", "");
  last.append(buttons);
  line.append(name, value, last);
  return line;
}

/** @param {HTMLElement} cell @param {string} text @param {Row} row @param {Say} told @param {Record<string, string>} attributes */
function shower(cell, text, row, told, attributes) {
  const show = made("button", told("show"), { ...attributes, "aria-pressed": "false" });
  show.addEventListener("click", () => {
    const shown = show.getAttribute("aria-pressed") === "true";
    show.setAttribute("aria-pressed", String(!shown));
    cell.textContent = shown ? told(`items.${row.state}`, { size: row.size }) : text;
    cell.classList.toggle("code", !shown);
  });
  return show;
}

/** @param {HTMLElement} cell @param {string} key @param {Say} told @param {Actions} actions */
function askName(cell, key, told, actions) {
  const attributes = { "aria-label": told("rename.new"), autocomplete: "off", spellcheck: "false" };
  const field = made("input", "", attributes);
  field.value = key;
  let asked = false;
  const rename = (/** @type {string} */ name) => {
    // Taking the field away fires another event.
    if (!asked) {
      asked = true;
      actions.rename(key, name);
    }
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") rename(field.value.trim());
    if (event.key === "Escape") rename(key);
  });
  field.addEventListener("change", () => rename(field.value.trim()));
  cell.replaceChildren(field);
  field.focus();
  field.select();
}
