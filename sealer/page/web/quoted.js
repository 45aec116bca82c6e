// The two quoted styles of YAML, on one line.

/** @type {Record<string, string>} */
const MEANINGS = {
  0: "\0", a: "\x07", b: "\b", t: "\t", n: "\n", v: "\v", f: "\f", r: "\r", e: "\x1b", " ": " ",
  '"': '"', "/": "/", "\\": "\\", N: "\u0085", _: "\u00a0", L: "\u2028", P: "\u2029",
};

/**
 * The scalar that begins with a quote at a place of a line: its text, and how long it is with its
 * quotes; null where it does not end on that line or is damaged.
 * @param {string} line @param {number} at
 */
export function quotedAt(line, at) {
  const rest = line.slice(at);
  const single = /^'((?:[^']|'')*)'/.exec(rest);
  if (single) return { text: (single[1] ?? "").replaceAll("''", "'"), length: single[0].length };
  const double = /^"((?:[^"\\]|\\.)*)"/.exec(rest);
  const text = double ? unescaped(double[1] ?? "") : null;
  return double && text !== null ? { text, length: double[0].length } : null;
}

/** @param {string} text */
function unescaped(text) {
  let whole = true;
  const pattern = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/g;
  const plain = text.replace(pattern, (_, two, four, eight, char) => {
    if (char !== undefined) {
      whole &&= Object.hasOwn(MEANINGS, char);
      return MEANINGS[char] ?? "";
    }
    const code = Number.parseInt(two ?? four ?? eight, 16);
    // Half of a pair is no character of a text.
    const fits = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    whole &&= fits;
    return fits ? String.fromCodePoint(code) : "";
  });
  return whole ? plain : null;
}
