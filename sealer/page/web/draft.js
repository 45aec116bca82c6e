// What is being made: the keys and values of one form, or the changes to a SealedSecret.

import { textOf } from "./bytes.js";
import { removeItem, renameItem } from "./editing.js";
import { itemsOfForm } from "./forms.js";
import { readSealed, readSecret } from "./manifest.js";
import { checkKey, checkSize, checkValue } from "./names.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./manifest.js").Item} Item */
/** @typedef {import("./manifest.js").Shape} Shape */
/** @typedef {{key: string, original: string, size: number}} SealedKey */
/** @typedef {{text: string, sealed: ReturnType<typeof readSealed>, keys: SealedKey[]}} Existing */
/** @typedef {{items: Item[], existing: Existing | null, shape: Shape}} Draft */
/** @typedef {{key: string, size: number, state: "sealed" | "clear" | "binary" | "replaced"}} Row */

/** @returns {Draft} */
export function emptyDraft() {
  return { items: [], existing: null, shape: { type: "", annotations: [] } };
}

/** Take a SealedSecret to change. @param {Draft} draft @param {string} text */
export function takeSealed(draft, text) {
  const sealed = readSealed(text);
  const keys = sealed.items.map(({ key, size }) => ({ key, original: key, size }));
  draft.existing = { text, sealed, keys };
  return sealed;
}

/** Take the values of a Secret in clear. @param {Draft} draft @param {string} text */
export function takeSecret(draft, text) {
  const secret = readSecret(text);
  secret.items.forEach((item) => {
    checkKey(item.key);
    checkValue(item);
  });
  checkSize(secret.items.reduce((sum, item) => sum + item.bytes.length, 0));
  draft.existing = null;
  draft.items = secret.items;
  draft.shape = secret.shape;
  return secret;
}

/** Add values, all or none: a key that is sealed already is replaced, one that was added is refused. @param {Draft} draft @param {Item[]} items */
export function addItems(draft, items) {
  const keys = new Set(draft.items.map(({ key }) => key));
  for (const item of items) {
    checkKey(item.key);
    if (keys.has(item.key)) throw new Refusal("key.twice", { key: item.key });
    keys.add(item.key);
    checkValue(item);
  }
  checkSize(sizeOf(draft, items));
  draft.items = [...draft.items, ...items];
}

/** @param {Draft} draft @param {string} key */
export function dropKey(draft, key) {
  const { existing } = draft;
  if (existing?.keys.some((one) => one.key === key)) {
    existing.text = removeItem(existing.text, key);
    existing.keys = existing.keys.filter((one) => one.key !== key);
  }
  draft.items = draft.items.filter((item) => item.key !== key);
}

/** @param {Draft} draft @param {string} key @param {string} name */
export function renameKey(draft, key, name) {
  if (key === name) return;
  checkKey(name);
  if (rowsOf(draft).some((row) => row.key === name)) throw new Refusal("key.twice", { key: name });
  const { existing } = draft;
  if (existing?.keys.some((one) => one.key === key)) {
    existing.text = renameItem(existing.text, key, name);
    existing.keys = existing.keys.map((one) => (one.key === key ? { ...one, key: name } : one));
  }
  draft.items = draft.items.map((item) => (item.key === key ? { ...item, key: name } : item));
}

/** The keys there are, sealed ones first. @param {Draft} draft @returns {Row[]} */
export function rowsOf(draft) {
  const fresh = new Map(draft.items.map((item) => [item.key, item.bytes]));
  const sealed = (draft.existing?.keys ?? []).map(({ key, size }) => {
    const bytes = fresh.get(key);
    fresh.delete(key);
    /** @type {Row} */
    const row = bytes ? { key, size: bytes.length, state: "replaced" } : { key, size, state: "sealed" };
    return row;
  });
  const added = [...fresh].map(([key, bytes]) => {
    /** @type {Row} */
    const row = { key, size: bytes.length, state: textOf(bytes) === null ? "binary" : "clear" };
    return row;
  });
  return [...sealed, ...added];
}

/** All bytes there would be. @param {Draft} draft @param {Item[]} [more] */
export function sizeOf(draft, more = []) {
  const sizes = new Map(rowsOf(draft).map((row) => [row.key, row.size]));
  for (const item of more) sizes.set(item.key, item.bytes.length);
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** The values to seal: what was added, and what the type's own fields hold. @param {Draft} draft @param {string} type @param {[string, string][]} filled @returns {Item[]} */
export function valuesOf(draft, type, filled) {
  if (draft.existing) return [...draft.items];
  const items = itemsOfForm(type, filled);
  for (const item of items) {
    checkValue(item);
    if (draft.items.some(({ key }) => key === item.key)) throw new Refusal("key.twice", { key: item.key });
  }
  checkSize(sizeOf(draft, items));
  return [...items, ...draft.items];
}
