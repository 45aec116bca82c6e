// Mappings and strings as block-style YAML, as `seal` writes them.
//
// A mapping is a list of pairs and never an object: an object would sort "10" before "a", and
// swallow "__proto__".

import { utf8 } from "./bytes.js";
import { scalar } from "./scalars.js";

/** @typedef {string | boolean | Mapping} Value */
/** @typedef {[string, Value][]} Mapping */

// libyaml writes a longer key as a complex one. Source: yaml_emitter_check_simple_key.
const LONGEST_SIMPLE_KEY = 128;

/** A whole document, as `seal` writes it. @param {Mapping} mapping */
export function documentOf(mapping) {
  // libyaml closes a document whose last block scalar keeps its line ends.
  const blocks = scalarsOf(mapping).filter((text) => text.startsWith("|"));
  const kept = /^\|2?\+/.test(blocks.at(-1) ?? "");
  return toYaml(mapping) + (kept ? "...\n" : "");
}

/** @param {Mapping} mapping @returns {string[]} */
function scalarsOf(mapping) {
  return mapping.flatMap(([key, value]) => {
    if (typeof value === "boolean") return [scalar(key)];
    return [scalar(key), ...(typeof value === "string" ? [scalar(value)] : scalarsOf(value))];
  });
}

/**
 * The lines of a mapping, each with its end.
 * @param {Mapping} mapping @param {number} [indent] columns before each line
 * @returns {string}
 */
export function toYaml(mapping, indent = 0) {
  return mapping.map(([key, value]) => entry(key, value, indent)).join("");
}

/** @param {string} key @param {Value} value @param {number} indent */
function entry(key, value, indent) {
  const margin = " ".repeat(indent);
  const name = scalar(key, indent);
  const simple = utf8(key).length <= LONGEST_SIMPLE_KEY && !/[\n\r]/.test(key);
  const head = simple ? `${margin}${name}:` : `${margin}? ${name}\n${margin}:`;
  if (typeof value === "boolean") return `${head} ${String(value)}\n`;
  if (typeof value === "string") return `${head} ${scalar(value, indent)}\n`;
  if (value.length === 0) return `${head} {}\n`;
  return `${head}\n${toYaml(value, indent + 2)}`;
}
