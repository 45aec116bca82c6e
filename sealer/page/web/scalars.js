// YAML scalars: what Kubernetes takes a plain one for, and how `seal` writes a string.
//
// A port of sealer/manifest/dump.py and of what libyaml does below it; tests/page/scalars.json
// holds both to the same answers.

const BOOLEANS = new Set(
  "y Y yes Yes YES true True TRUE on On ON n N no No NO false False FALSE off Off OFF".split(" "),
);
const NULLS = new Set(["", "~", "null", "Null", "NULL"]);
const INTEGER = /^[-+]?(?:0[bB][01_]+|0[oO]?[0-7_]+|0[xX][0-9a-fA-F_]+|[1-9][0-9_]*|0)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const SPECIAL_FLOAT = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const UNDERSCORES = /^\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?$/;
// What YAML 1.1 takes for a number, a date, a merge or a value, beyond what Kubernetes does.
// Source: PyYAML's resolver.
const YAML_1_1 = [
  /^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/,
  /^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
  /^(?:<<|=)$/,
  /^(?:\d\d\d\d-\d\d-\d\d|\d\d\d\d-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$/,
];

/**
 * What Kubernetes takes a plain scalar for: "string", "null", "boolean" or "number".
 * @param {string} text
 */
export function plainKind(text) {
  if (NULLS.has(text)) return "null";
  if (!"yYnNtTfFoO+-.0123456789".includes(text[0] ?? "")) return "string";
  if (BOOLEANS.has(text)) return "boolean";
  if (INTEGER.test(text)) return isInteger(text) ? "number" : "string";
  if (text[0] === "." && text.includes("_") && !UNDERSCORES.test(text)) return "string";
  const digits = text.replaceAll("_", "");
  if (FLOAT.test(digits)) return Number.isFinite(Number(digits)) ? "number" : "string";
  return SPECIAL_FLOAT.test(text) ? "number" : "string";
}

/** @param {string} text whether it has digits besides its prefix, and is finite */
function isInteger(text) {
  const digits = text.replaceAll("_", "").replace(/^[-+]/, "");
  const based = /^0[bBoOxX](.*)$/.exec(digits);
  return based ? based[1] !== "" : Number.isFinite(Number(digits));
}

/**
 * A string as a YAML scalar, as `seal` writes it in a block mapping.
 * @param {string} text @param {number} [indent] columns of that mapping
 */
export function scalar(text, indent = 0) {
  const found = analysis(text);
  if (text.includes("\n")) return found.block ? literal(text, indent) : doubleQuoted(text);
  if (plainKind(text) !== "string" || isYaml11(text)) return doubleQuoted(text);
  if (found.plain) return text;
  return found.single ? `'${text.replaceAll("'", "''")}'` : doubleQuoted(text);
}

/** @param {string} text */
function isYaml11(text) {
  return "0123456789+-.=<".includes(text[0] ?? "") && YAML_1_1.some((one) => one.test(text));
}

/** Which styles can hold a text. Source: libyaml, yaml_emitter_analyze_scalar. @param {string} text */
function analysis(text) {
  let indicators = /^(?:---|\.\.\.)/.test(text) || /^[#,[\]{}&*!|>'"%@`]/.test(text);
  indicators ||= /^[-?:](?:[ \n]|$)/.test(text) || /:(?:[ \n]|$)/.test(text) || /[ \n]#/.test(text);
  const special = [...text].some((char) => !isPrintable(char));
  const edges = /^[ \n]|[ \n]$/.test(text);
  return {
    plain: !(indicators || special || edges),
    single: !special,
    block: !(special || text.includes(" \n") || text.endsWith(" ")),
  };
}

/**
 * Source: libyaml, IS_PRINTABLE; a tab and all beyond the first plane are not. Breaks other than a
 * line feed are not here, either: quoted and escaped they mean the same to every reader.
 * @param {string} char
 */
function isPrintable(char) {
  const code = char.codePointAt(0) ?? 0;
  if (code === 0x0a) return true;
  if (code === 0x2028 || code === 0x2029 || code < 0x20 || (code > 0x7e && code < 0xa0)) return false;
  return code < 0xd800 || (code >= 0xe000 && code <= 0xfffd && code !== 0xfeff);
}

/** @type {Record<string, string>} */
const ESCAPES = {
  "\0": "0", "\x07": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r",
  "\x1b": "e", '"': '"', "\\": "\\", "\u0085": "N", "\u00a0": "_", "\u2028": "L", "\u2029": "P",
};

/** @param {string} text */
function doubleQuoted(text) {
  let written = "";
  for (const char of text) {
    if (isPrintable(char) && char !== "\n" && char !== '"' && char !== "\\") {
      written += char;
      continue;
    }
    const code = char.codePointAt(0) ?? 0;
    const known = ESCAPES[char];
    const hex = code.toString(16).toUpperCase();
    if (known !== undefined) written += `\\${known}`;
    else if (code <= 0xff) written += `\\x${hex.padStart(2, "0")}`;
    else written += code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
  }
  return `"${written}"`;
}

/** @param {string} text @param {number} indent */
function literal(text, indent) {
  let header = /^[ \n]/.test(text) ? "|2" : "|";
  if (!text.endsWith("\n")) header += "-";
  else if (text === "\n" || text.endsWith("\n\n")) header += "+";
  const margin = " ".repeat(indent + 2);
  const lines = text.replace(/^(?=[^\n])/gm, margin);
  return `${header}\n${lines}`.replace(/\n$/, "");
}
