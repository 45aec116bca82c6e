// YAML as people and `seal` write Secrets: mappings and lists in block style, scalars of each
// style, every one with its place in the text. What is outside of that (flow style, anchors, tags,
// values over several lines) is refused in words and never guessed at.

import { quotedAt } from "./quoted.js";
import { Refusal } from "./refusal.js";
import { plainKind } from "./scalars.js";

/** @typedef {{kind: "scalar", start: number, end: number, text: string, style: string, type: string}} Scalar */
/** @typedef {{kind: "map", start: number, end: number, flow: boolean, entries: Entry[]}} MapNode */
/** @typedef {{kind: "list", start: number, end: number, flow: boolean, items: Node[]}} ListNode */
/** @typedef {Scalar | MapNode | ListNode} Node */
/** @typedef {{key: Scalar, value: Node}} Entry */
/** @typedef {{start: number, text: string, indent: number, blank: boolean, comment: boolean}} Line */
/** @typedef {{lines: Line[], at: number, depth: number, text: string}} Reader */

const MAX_DEPTH = 40;
const PLAIN_KEY = /^[A-Za-z0-9_./~$][^\s#'"[\]{},&*!|>%@`]*?(?=:(?:\s|$))/;
const BLOCK_HEADER = /^([|>])([-+]?)([1-9]?)([-+]?)(?:\s+#.*)?$/;

/**
 * The root of a document's text, which may begin with its `---` line; null for an empty one.
 * Places are offsets into that text. Refusal for what is not read here.
 * @param {string} text @returns {Node | null}
 */
export function readDocument(text) {
  if (/[\u0085\u2028\u2029]/.test(text)) refuse("yaml.character", text, /[\u0085\u2028\u2029]/);
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  const control = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]|\r(?!\n)|(?!^)\ufeff/;
  if (control.test(text)) refuse("yaml.character", text, control);
  const reader = { lines: linesOf(text), at: 0, depth: 0, text };
  const first = reader.lines[0];
  if (first && /^\ufeff?---(?:\s|$)/.test(first.text)) {
    if (!/^\ufeff?---\s*(?:#.*)?$/.test(first.text)) fault("yaml.layout", first);
    reader.at = 1;
  }
  const line = next(reader);
  if (!line) return null;
  const root = readBlock(reader, line.indent);
  const rest = next(reader);
  if (rest) fault("yaml.layout", rest);
  return root;
}

/** @param {string} text @returns {Line[]} */
function linesOf(text) {
  let start = 0;
  return (text.match(/[^\n]*\n|[^\n]+/g) ?? []).map((whole) => {
    const line = whole.replace(/\r?\n$/, "");
    const indent = /^\ufeff? */.exec(line)?.[0].length ?? 0;
    const blank = line.trim() === "" || line === "\ufeff";
    const place = { start, text: line, indent, blank, comment: line[indent] === "#" };
    start += whole.length;
    return place;
  });
}

/** The next line that holds something. @param {Reader} reader */
function next(reader) {
  while (reader.lines[reader.at]?.blank || reader.lines[reader.at]?.comment) reader.at += 1;
  const line = reader.lines[reader.at];
  if (line && /^ *\t/.test(line.text)) fault("yaml.layout", line);
  if (line && /^(?:\.\.\.|%|---)/.test(line.text)) fault("yaml.layout", line);
  return line;
}

/** @param {Reader} reader @param {number} indent @returns {MapNode | ListNode} */
function readBlock(reader, indent) {
  const line = next(reader);
  if (!line || (reader.depth += 1) > MAX_DEPTH) throw new Refusal("yaml.layout", { line: 1 });
  const start = line.start + indent;
  const isList = /^-(?:\s|$)/.test(line.text.slice(indent));
  const node = isList ? readList(reader, indent, start) : readMap(reader, indent, start);
  reader.depth -= 1;
  return node;
}

/** @param {Reader} reader @param {number} indent @param {number} start @returns {ListNode} */
function readList(reader, indent, start) {
  /** @type {Node[]} */
  const items = [];
  let line = next(reader);
  while (line && line.indent === indent && /^-(?:\s|$)/.test(line.text.slice(indent))) {
    const inner = indent + 1 + (/^ */.exec(line.text.slice(indent + 1))?.[0].length ?? 0);
    const rest = line.text.slice(inner);
    if (PLAIN_KEY.test(rest) || /^(?:'[^']*'|"[^"]*")\s*:/.test(rest) || /^-(?:\s|$)/.test(rest)) {
      // The dash counts as a column: what follows it is a block of its own.
      line.text = " ".repeat(inner) + rest;
      line.indent = inner;
      items.push(readBlock(reader, inner));
    } else {
      items.push(readValue(reader, line, inner, indent));
    }
    line = next(reader);
  }
  if (line && line.indent > indent) fault("yaml.layout", line);
  return { kind: "list", start, end: items.at(-1)?.end ?? start, flow: false, items };
}

/** @param {Reader} reader @param {number} indent @param {number} start @returns {MapNode} */
function readMap(reader, indent, start) {
  /** @type {Entry[]} */
  const entries = [];
  const seen = new Set();
  let line = next(reader);
  while (line && line.indent === indent && !/^-(?:\s|$)/.test(line.text.slice(indent))) {
    const key = readKey(line, indent);
    if (seen.has(key.text)) fault("yaml.twice", line);
    seen.add(key.text);
    const colon = key.end - line.start + 1;
    const gap = /^[ \t]*/.exec(line.text.slice(colon))?.[0].length ?? 0;
    entries.push({ key, value: readValue(reader, line, colon + gap, indent) });
    line = next(reader);
  }
  if (line && line.indent > indent) fault("yaml.layout", line);
  return { kind: "map", start, end: entries.at(-1)?.value.end ?? start, flow: false, entries };
}

/** @param {Line} line @param {number} at @returns {Scalar} */
function readKey(line, at) {
  const rest = line.text.slice(at);
  const quote = rest[0] === '"' || rest[0] === "'" ? quotedAt(line.text, at) : null;
  const plain = PLAIN_KEY.exec(rest)?.[0];
  const length = quote?.length ?? plain?.length;
  if (length === undefined || !/^:(?:\s|$)/.test(rest.slice(length))) return hard(line, rest);
  const text = quote?.text ?? plain ?? "";
  const style = quote ? (rest[0] ?? "") : "";
  // Kubernetes takes the digits of a number for a key; of other types it makes no string.
  const fits = quote || plainKind(text) === "string" || /^(?:0|[1-9]\d{0,8})$/.test(text);
  if (!fits) fault("yaml.key", line);
  const start = line.start + at;
  return { kind: "scalar", start, end: start + length, text, style, type: "string" };
}

/** What stands at a place of a line, or below it. @param {Reader} reader @param {Line} line @param {number} at @param {number} indent @returns {Node} */
function readValue(reader, line, at, indent) {
  const rest = line.text.slice(at);
  if (rest === "" || (rest[0] === "#" && /\s/.test(line.text[at - 1] ?? ""))) {
    reader.at += 1;
    return readBelow(reader, line, indent);
  }
  if (/^[|>]/.test(rest)) return readBlockScalar(reader, line, at, indent);
  const node = readFlow(line, at) ?? readScalar(line, at, rest);
  reader.at += 1;
  const after = next(reader);
  if (after && after.indent > indent) fault("yaml.lines", after);
  return node;
}

/**
 * An empty `{}` or `[]`, or a mapping of quoted strings on one line, as `seal set` makes it of an
 * empty one; null for anything else.
 * @param {Line} line @param {number} at @returns {MapNode | ListNode | null}
 */
function readFlow(line, at) {
  const start = line.start + at;
  const list = /^\[ *\](?=\s*$|\s+#)/.exec(line.text.slice(at));
  if (list) return { kind: "list", start, end: start + list[0].length, flow: true, items: [] };
  if (line.text[at] !== "{") return null;
  /** @type {Entry[]} */
  const entries = [];
  let place = at + 1;
  for (;;) {
    place += /^ */.exec(line.text.slice(place))?.[0].length ?? 0;
    if (line.text[place] === "}" && /^\}(?:\s*$|\s+#)/.test(line.text.slice(place))) break;
    const key = quotedScalar(line, place);
    const colon = key ? key.end - line.start : place;
    const value = line.text.startsWith(": ", colon) ? quotedScalar(line, colon + 2) : null;
    if (!key || !value || entries.some((one) => one.key.text === key.text)) return null;
    entries.push({ key, value });
    place = value.end - line.start;
    if (line.text[place] === ",") place += 1;
    else if (!/^ *\}/.test(line.text.slice(place))) return null;
  }
  return { kind: "map", start, end: line.start + place + 1, flow: true, entries };
}

/** @param {Line} line @param {number} at @returns {Scalar | null} */
function quotedScalar(line, at) {
  const quote = quotedAt(line.text, at);
  if (!quote) return null;
  const [start, style] = [line.start + at, line.text[at] ?? ""];
  return { kind: "scalar", start, end: start + quote.length, text: quote.text, style, type: "string" };
}

/** @param {Line} line @param {number} at @param {string} rest @returns {Scalar} */
function readScalar(line, at, rest) {
  const start = line.start + at;
  if (rest[0] === '"' || rest[0] === "'") {
    const quoted = quotedScalar(line, at);
    const after = quoted ? line.text.slice(quoted.end - line.start) : "";
    return quoted && /^(?:\s*$|\s+#)/.test(after) ? quoted : fault("yaml.lines", line);
  }
  if (/^[[{]/.test(rest)) fault("yaml.flow", line);
  if (/^[&*!]/.test(rest)) fault("yaml.anchor", line);
  const text = rest.replace(/(?<!\s)\s+#.*$/, "").trimEnd();
  if (/^[,\]}#%@`]|^[-?:](?:\s|$)|:(?:\s|$)|\t/.test(text)) fault("yaml.layout", line);
  const end = start + text.length;
  return { kind: "scalar", start, end, text, style: "", type: plainKind(text) };
}

/** The value of a key that has none on its line. @param {Reader} reader @param {Line} line @param {number} indent @returns {Node} */
function readBelow(reader, line, indent) {
  const below = next(reader);
  const isList = below && /^-(?:\s|$)/.test(below.text.slice(below.indent));
  const isOwn = line.text[indent] !== "-";
  if (below && (below.indent > indent || (isList && isOwn && below.indent === indent))) {
    const rest = below.text.slice(below.indent);
    if (isList || /:(?:\s|$)/.test(rest) || /^[|>]/.test(rest)) return readBlock(reader, below.indent);
    return readValue(reader, below, below.indent, indent);
  }
  const place = line.start + line.text.replace(/(?<!\s)\s+#.*$/, "").trimEnd().length;
  return { kind: "scalar", start: place, end: place, text: "", style: "", type: "null" };
}

/** @param {Reader} reader @param {Line} line @param {number} at @param {number} indent @returns {Scalar} */
function readBlockScalar(reader, line, at, indent) {
  const header = BLOCK_HEADER.exec(line.text.slice(at).trimEnd());
  if (!header || (header[2] && header[4])) return fault("yaml.layout", line);
  const [style, chomp] = [header[1] ?? "", header[2] || header[4] || ""];
  reader.at += 1;
  let ahead = reader.at;
  while (reader.lines[ahead]?.blank) ahead += 1;
  const inner = header[3] ? indent + Number(header[3]) : (reader.lines[ahead]?.indent ?? 0);
  /** @type {string[]} */
  const lines = [];
  for (; reader.at < reader.lines.length; reader.at += 1) {
    const one = reader.lines[reader.at];
    if (!one || (!one.blank && one.indent < inner) || inner <= indent) break;
    if (one.blank && (one.text.length > inner || one.text.includes("\t"))) fault("yaml.layout", one);
    lines.push(one.blank ? "" : one.text.slice(inner));
  }
  const text = style === "|" ? lines.join("\n") : folded(lines, line);
  const end = reader.lines[reader.at]?.start ?? reader.text.length;
  const start = line.start + at;
  const closed = reader.at < reader.lines.length || reader.text.endsWith("\n");
  const type = "string";
  return { kind: "scalar", start, end, text: chomped(text, chomp, closed), style, type };
}

/** @param {string[]} lines @param {Line} place */
function folded(lines, place) {
  if (lines.some((line) => /^[ \t]/.test(line))) fault("yaml.layout", place);
  const body = lines.join("\n").replace(/(?<!\n)\n+$/, "");
  const trailer = lines.join("\n").slice(body.length);
  return body.replace(/(?<=[^\n])\n(?=[^\n])|\n(\n+)/g, (_, more) => more ?? " ") + trailer;
}

/** @param {string} text @param {string} chomp @param {boolean} closed whether its last line ends */
function chomped(text, chomp, closed) {
  const body = text.replace(/(?<!\n)\n+$/, "");
  if (chomp === "-" || (body === "" && chomp !== "+")) return body;
  if (chomp === "+") return closed && text !== "" ? `${text}\n` : text;
  return closed || text !== body ? `${body}\n` : body;
}

/** @param {Line} line @param {string} rest @returns {never} */
function hard(line, rest) {
  if (/^[[{]/.test(rest)) return fault("yaml.flow", line);
  if (/^[&*!]|^<<:/.test(rest)) return fault("yaml.anchor", line);
  return fault("yaml.layout", line);
}

/** @param {string} word @param {Line} line @returns {never} */
function fault(word, line) {
  throw Object.assign(new Refusal(word), { start: line.start });
}

/** @param {string} word @param {string} text @param {RegExp} pattern @returns {never} */
function refuse(word, text, pattern) {
  throw Object.assign(new Refusal(word), { start: text.search(pattern) });
}
