// Bytes, text and base64. Text is UTF-8 and base64 the standard alphabet, padded, on one line.

/** The UTF-8 bytes of a text. @param {string} text */
export function utf8(text) {
  return new TextEncoder().encode(text);
}

/**
 * The text that bytes are, a byte order mark kept; null where they are no UTF-8 text.
 * @param {Uint8Array} bytes
 */
export function textOf(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** @param {readonly Uint8Array[]} parts @returns {Uint8Array<ArrayBuffer>} */
export function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  // An argument list has a limit; a chunk of whole groups of three has no padding.
  const chunk = 3 * 8192;
  let text = "";
  for (let at = 0; at < bytes.length; at += chunk) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + chunk)));
  }
  return text;
}

/**
 * The bytes of a base64 text; line ends are passed over as Go does, null for anything else.
 * @param {string} text @returns {Uint8Array<ArrayBuffer> | null}
 */
export function fromBase64(text) {
  const compact = text.replace(/[\r\n]/g, "");
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return null;
  return Uint8Array.from(atob(compact), (char) => char.charCodeAt(0));
}
