// Changes to a SealedSecret where it stands in its text; every other byte stays.
//
// A port of sealer/changes/edit.py with sealer/manifest/{edit,entries}.py and changes/noted.py, for
// the layouts that `reading` takes; tests/page compares both over random documents.

import { child, documentOfKind, isNull, plain } from "./documents.js";
import { Refusal } from "./refusal.js";
import { plainKind } from "./scalars.js";
import { toYaml } from "./writing.js";

/** @typedef {import("./reading.js").Node} Node */
/** @typedef {import("./reading.js").Scalar} Scalar */
/** @typedef {import("./reading.js").MapNode} MapNode */
/** @typedef {[number, number, string]} Splice */

const KIND = "SealedSecret";
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9+/=._-]*$/;
const FINGERPRINT = "sealer.dev/certificate-fingerprint";

/**
 * The text with an item set under a key: replaced where it stands, or added after the last one.
 * @param {string} text @param {string} key @param {string} item base64
 */
export function putItem(text, key, item) {
  const items = itemsOf(text);
  const old = child(items, key);
  if (old) return edited(text, [itemSplice(text, old, item)], [key], item);
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  if (items.kind === "map" && !items.flow) {
    return edited(text, [addition(text, items, key, item, newline)], [key], item);
  }
  if (items.kind === "map") return edited(text, [flowAddition(text, items, key, item)], [key], item);
  if (!isNull(items)) throw new Refusal("yaml.flow", { line: lineAt(text, items.start) });
  const gap = /\s/.test(text[items.start - 1] ?? "") ? "" : " ";
  return putItem(apply(text, [[items.start, items.end, `${gap}{}`]]), key, item);
}

/** @param {string} text @param {string} key @param {string} name the new key */
export function renameItem(text, key, name) {
  const items = itemsOf(text);
  const entry = items.kind === "map" ? items.entries.find((one) => one.key.text === key) : undefined;
  if (!entry || child(items, name)) throw new Refusal("key.twice", { key: name });
  const splice = [entry.key.start, entry.key.end, scalarText(name, entry.key.style)];
  return edited(text, [/** @type {Splice} */ (splice)], [key, name]);
}

/** @param {string} text @param {string} key */
export function removeItem(text, key) {
  const items = itemsOf(text);
  const entries = items.kind === "map" ? items.entries : [];
  const at = entries.findIndex((one) => one.key.text === key);
  const entry = entries[at];
  if (!entry || items.kind !== "map") throw new Refusal("manifest.kind");
  if (items.flow) return edited(text, [flowRemoval(items, at)], [key]);
  const line = text.lastIndexOf("\n", entry.key.start - 1) + 1;
  /** @type {Splice[]} */
  const splices = [[line, endOfEntry(text, entry.value), ""]];
  if (entries.length === 1) {
    const owner = text.lastIndexOf("encryptedData", entry.key.start);
    const colon = text.indexOf(":", owner + "encryptedData".length);
    splices.push([colon + 1, colon + 1, " {}"]);
  }
  return edited(text, splices, [key]);
}

/** The text with its fingerprint annotation, which is there, saying this. @param {string} text @param {string} words */
export function putFingerprint(text, words) {
  const { start, root } = documentOfKind(text, KIND);
  const node = child(child(child(root, "metadata"), "annotations"), FINGERPRINT);
  if (node?.kind !== "scalar" || /^[|>]/.test(node.style)) throw new Refusal("yaml.layout", { line: 1 });
  return apply(text, [[start + node.start, start + node.end, scalarText(words, node.style)]]);
}

/**
 * What the annotation says once items changed; null where it may stay as it is.
 * @param {string} before what it says @param {[string, string][]} renames new key and old key, of
 * those that stay too @param {string[]} fresh keys sealed now @param {string} fingerprint
 */
export function fingerprintAfter(before, renames, fresh, fingerprint) {
  if (!before) return null;
  const [first = "", ...others] = before.trim().split(/\s+/);
  const named = new Map(others.map((word) => {
    const at = word.indexOf("=");
    return at < 0 ? [word, ""] : [word.slice(0, at), word.slice(at + 1)];
  }));
  const now = new Map(renames.map(([key, old]) => [key, named.get(old) ?? first]));
  for (const key of fresh) now.set(key, fingerprint);
  if (now.size === 0) return null;
  const counts = new Map();
  for (const one of now.values()) counts.set(one, (counts.get(one) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const [common = ""] = [...counts.keys()].filter((one) => counts.get(one) === most).sort();
  const unlike = [...now].filter(([, one]) => one !== common).map(([key, one]) => `${key}=${one}`);
  const words = [common, ...unlike.sort()].join(" ");
  return words === before ? null : words;
}

/** spec.encryptedData, its places offsets into the whole text. @param {string} text @returns {Node} */
function itemsOf(text) {
  const { start, root } = documentOfKind(text, KIND);
  const items = child(child(root, "spec"), "encryptedData");
  if (!items) throw new Refusal("manifest.mapping", { field: "spec.encryptedData" });
  return moved(items, start);
}

/** @template {Node} T @param {T} node @param {number} by @returns {T} */
function moved(node, by) {
  const place = { ...node, start: node.start + by, end: node.end + by };
  if (place.kind === "map") {
    place.entries = place.entries.map(({ key, value }) => ({
      key: moved(key, by), value: moved(value, by),
    }));
  }
  return place;
}

/** @param {string} text @param {MapNode} items @param {string} key @param {string} item @param {string} newline @returns {Splice} */
function addition(text, items, key, item, newline) {
  const first = items.entries[0]?.key.start ?? 0;
  const indent = first - (text.lastIndexOf("\n", first - 1) + 1);
  const at = endOfLine(text, items.end);
  const lines = toYaml([[key, item]], indent).replaceAll("\n", newline);
  if (at > 0 && text[at - 1] !== "\n") return [at, at, newline + lines.slice(0, -newline.length)];
  return [at, at, lines];
}

/** @param {string} text @param {MapNode} items @param {string} key @param {string} item @returns {Splice} */
function flowAddition(text, items, key, item) {
  const pair = `${JSON.stringify(key)}: ${JSON.stringify(item)}`;
  const [first, last] = [items.entries[0], items.entries.at(-1)];
  if (!first || !last) return [items.start + 1, items.end - 1, pair];
  const gap = text.slice(items.start + 1, first.key.start);
  return [last.value.end, last.value.end, `,${gap || " "}${pair}`];
}

/** @param {MapNode} items @param {number} at @returns {Splice} */
function flowRemoval(items, at) {
  const [before, own, after] = [items.entries[at - 1], items.entries[at], items.entries[at + 1]];
  if (before && own) return [before.value.end, own.value.end, ""];
  if (own && after) return [own.key.start, after.key.start, ""];
  return [items.start + 1, items.end - 1, ""];
}

/** @param {string} text @param {Node} node @param {string} item @returns {Splice} */
function itemSplice(text, node, item) {
  if (node.kind !== "scalar") throw new Refusal("yaml.flow", { line: lineAt(text, node.start) });
  if (isNull(node) && node.start === node.end) {
    throw new Refusal("yaml.layout", { line: lineAt(text, node.start) });
  }
  if (/^[|>]/.test(node.style)) {
    return [node.start, node.end, blockText(text.slice(node.start, node.end), node.style, item)];
  }
  return [node.start, node.end, scalarText(item, node.style)];
}

/** A scalar in the style that stood there. @param {string} value @param {string} style */
function scalarText(value, style) {
  if (style === "'") return `'${value.replaceAll("'", "''")}'`;
  if (style === "" && PLAIN.test(value) && plainKind(value) === "string") return value;
  return JSON.stringify(value);
}

/** A block scalar with other base64 under its own header. @param {string} text @param {string} style @param {string} item */
function blockText(text, style, item) {
  const [header = "", ...body] = text.match(/[^\n]*\n|[^\n]+/g) ?? [];
  const newline = header.endsWith("\r\n") ? "\r\n" : "\n";
  const filled = body.filter((line) => line.trim() !== "");
  const indent = /^ */.exec(filled[0] ?? "  ")?.[0] ?? "";
  let blank = 0;
  while (blank < body.length && body[body.length - 1 - blank]?.trim() === "") blank += 1;
  const wrap = style === "|" && filled.length > 1;
  const width = wrap ? (filled[0] ?? "").trim().length : Math.max(1, item.length);
  const lines = item.match(new RegExp(`.{1,${width}}`, "g")) ?? [""];
  const closing = body.length === 0 || body.at(-1)?.endsWith("\n") ? newline : "";
  const trailer = body.slice(body.length - blank).join("");
  return header + lines.map((line) => indent + line).join(newline) + closing + trailer;
}

/** @param {string} text @param {Node} value */
function endOfEntry(text, value) {
  if (value.kind === "scalar" && /^[|>]/.test(value.style)) {
    if (text[value.end - 1] === "\n") return value.end;
    return text.lastIndexOf("\n", value.end - 1) + 1 || value.end;
  }
  return endOfLine(text, value.end);
}

/** @param {string} text @param {number} at */
function endOfLine(text, at) {
  if (at > 0 && text[at - 1] === "\n") return at;
  const newline = text.indexOf("\n", at);
  return newline < 0 ? text.length : newline + 1;
}

/** @param {string} text @param {Splice[]} splices */
function apply(text, splices) {
  let [result, at] = ["", 0];
  for (const [start, end, piece] of splices.toSorted((one, other) => one[0] - other[0])) {
    result += text.slice(at, start) + piece;
    at = end;
  }
  return result + text.slice(at);
}

/**
 * The text with the splices made, read back: the keys named have changed, and nothing else has.
 * @param {string} text @param {Splice[]} splices @param {string[]} keys @param {string} [item]
 */
function edited(text, splices, keys, item) {
  const after = apply(text, splices);
  const place = { line: lineAt(text, splices[0]?.[0] ?? 0) };
  if (rest(text, keys) !== rest(after, keys)) throw new Refusal("yaml.layout", place);
  if (item !== undefined) {
    const node = child(itemsOf(after), keys[0] ?? "");
    const found = node?.kind === "scalar" ? node.text.replace(/\n/g, "") : "";
    if (found !== item) throw new Refusal("yaml.layout", place);
  }
  return after;
}

/** Everything but the items of some keys, to compare. @param {string} text @param {string[]} keys */
function rest(text, keys) {
  const { start, end, root } = documentOfKind(text, KIND);
  const items = child(child(root, "spec"), "encryptedData");
  const kept = items?.kind === "map" ? items.entries.filter((one) => !keys.includes(one.key.text)) : [];
  const spec = child(root, "spec");
  const others = spec?.kind === "map" ? spec.entries.filter((one) => one.value !== items) : [];
  const beside = root.entries.filter((one) => one.value !== spec);
  const read = [kept, others, beside].map((entries) =>
    entries.map((one) => [one.key.text, plain(one.value)]),
  );
  return JSON.stringify([text.slice(0, start), text.slice(end), read]);
}

/** @param {string} text @param {number} at */
function lineAt(text, at) {
  return text.slice(0, at).split("\n").length;
}
