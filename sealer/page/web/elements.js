// Elements of the page by id and made anew; text goes in as text, there is no other way here.

/** @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
export function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

/** @param {string} id */
export const input = (id) => element(id, HTMLInputElement);
/** @param {string} id */
export const area = (id) => element(id, HTMLTextAreaElement);
/** @param {string} id */
export const select = (id) => element(id, HTMLSelectElement);
/** @param {string} id */
export const button = (id) => element(id, HTMLButtonElement);
/** @param {string} id */
export const block = (id) => element(id, HTMLElement);

/**
 * A new element with text in it.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {string} text @param {Record<string, string>} [attributes]
 */
export function made(tag, text, attributes = {}) {
  const node = document.createElement(tag);
  node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/** Options of a select, the chosen one kept where it is still there. @param {HTMLSelectElement} list @param {[string, string][]} options */
export function fill(list, options) {
  const chosen = list.value;
  list.replaceChildren(...options.map(([value, text]) => made("option", text, { value })));
  if (options.some(([value]) => value === chosen)) list.value = chosen;
}
