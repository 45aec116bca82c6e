// A file's documents, its one SealedSecret or Secret among them, and the faults' lines.

import { Refusal } from "./refusal.js";
import { readDocument } from "./reading.js";

/** @typedef {import("./reading.js").Node} Node */
/** @typedef {import("./reading.js").MapNode} MapNode */
/** @typedef {{text: string, start: number, end: number, root: MapNode}} Found */

const KIND_LINE = /^\ufeff?(?:kind|"kind"|'kind')[ \t]*:[ \t]+(["']?)[A-Za-z]+\1[ \t]*(?:[ \t]#.*)?$/gm;

/**
 * The document of one kind in a text; its places are offsets into its own text. Refusal where
 * there is none or several, and for JSON and Lists.
 * @param {string} text @param {string} kind @returns {Found}
 */
export function documentOfKind(text, kind) {
  if (/^\ufeff?\s*[[{]/.test(text)) throw new Refusal("yaml.json");
  const all = pieces(text);
  const [first, second] = all.filter((piece) => kindOf(piece.text) === kind);
  if (all.some((piece) => kindOf(piece.text).endsWith("List"))) throw new Refusal("yaml.list");
  if (!first) throw new Refusal("manifest.kind");
  // A Secret in clear beside a SealedSecret would stand in the result as it is.
  const clear = kind !== "Secret" && all.some((piece) => kindOf(piece.text) === "Secret");
  if (clear || second) throw new Refusal("manifest.several");
  if (all.some((piece) => piece !== first && isUnclear(piece.text))) throw new Refusal("manifest.unclear");
  const root = located(text, first);
  if (root?.kind !== "map" || root.flow) throw new Refusal("yaml.flow", { line: 1 });
  return { ...first, root };
}

/** The kind of the first document that has one of these, empty for none. @param {string} text */
export function firstKind(text) {
  const kinds = pieces(text).map((piece) => kindOf(piece.text));
  return kinds.find((kind) => kind === "SealedSecret" || kind === "Secret") ?? "";
}

/** Cut at the lines that begin with `---`, as Kubernetes does. @param {string} text */
function pieces(text) {
  const starts = [...text.matchAll(/^---(?=\s|$)/gm)].map((match) => match.index);
  if (starts[0] !== 0) starts.unshift(0);
  return starts.map((start, at) => {
    const end = starts[at + 1] ?? text.length;
    return { text: text.slice(start, end), start, end };
  });
}

/** The kind of a document as one word on a line of its own; empty for any other way to say it. @param {string} text */
function kindOf(text) {
  return text.match(KIND_LINE)?.[0].match(/:[ \t]+["']?([A-Za-z]+)/)?.[1] ?? "";
}

/** Whether a document holds something, and not one kind that is sure. @param {string} text */
function isUnclear(text) {
  const body = text.replace(/^\ufeff?(?:---(?=\s|$))?/, "").replace(/^[ \t]*#.*$/gm, "").trim();
  return body !== "" && (/^[[{]/.test(body) || text.match(KIND_LINE)?.length !== 1);
}

/** @param {string} text @param {{text: string, start: number}} piece */
function located(text, piece) {
  try {
    return readDocument(piece.text);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const start = "start" in error ? Number(error.start) : 0;
    const line = text.slice(0, piece.start + start).split("\n").length;
    throw new Refusal(error.word, { line, ...error.facts });
  }
}

/** The value of a key of a mapping. @param {Node | undefined} node @param {string} key */
export function child(node, key) {
  if (node?.kind !== "map") return undefined;
  return node.entries.find((entry) => entry.key.text === key)?.value;
}

/** A string, empty where there is none; Refusal for other types. @param {Node | undefined} node @param {string} field */
export function stringOf(node, field) {
  if (node === undefined || isNull(node)) return "";
  if (node.kind !== "scalar" || node.type !== "string") throw new Refusal("manifest.string", { field });
  return node.text;
}

/** Strings by key; Refusal for other types. @param {Node | undefined} node @param {string} field @returns {[string, string][]} */
export function stringsOf(node, field) {
  if (node === undefined || isNull(node)) return [];
  if (node.kind !== "map") throw new Refusal("manifest.mapping", { field });
  return node.entries.map(({ key, value }) => [key.text, stringOf(value, `${field}.${key.text}`)]);
}

/** @param {Node} node */
export function isNull(node) {
  return node.kind === "scalar" && node.type === "null";
}

/** A value to compare by: everything that is read, and nothing of how it is written. @param {Node} node @returns {unknown} */
export function plain(node) {
  if (node.kind === "scalar") return [node.type, node.text];
  if (node.kind === "list") return ["list", node.items.map(plain)];
  return ["map", node.entries.map(({ key, value }) => [key.text, plain(value)])];
}
