// One value sealed: the same envelope as sealer/crypto.py, by the browser's own cryptography.
//
// length of the wrapped key, 2 bytes big-endian || RSA-OAEP(session key) || AES-256-GCM(value);
// OAEP and its MGF1 use SHA-256 and the label. A session key is used once, which is why the nonce
// may be zero.

import { joined, toBase64, utf8 } from "./bytes.js";

/** The OAEP label that binds a value to its place. @param {string} namespace @param {string} name @param {string} scope */
export function labelOf(namespace, name, scope) {
  if (scope === "cluster-wide") return utf8("");
  return utf8(scope === "namespace-wide" ? namespace : `${namespace}/${name}`);
}

/** The public key of a cluster, from its SPKI. @param {Uint8Array<ArrayBuffer>} spki */
export function publicKey(spki) {
  const oaep = { name: "RSA-OAEP", hash: "SHA-256" };
  return crypto.subtle.importKey("spki", spki, oaep, false, ["encrypt"]);
}

/**
 * Seal one value; returns the base64 item.
 * @param {CryptoKey} key @param {Uint8Array<ArrayBuffer>} value @param {Uint8Array<ArrayBuffer>} label
 */
export async function sealValue(key, value, label) {
  const session = crypto.getRandomValues(new Uint8Array(32));
  try {
    const aes = await crypto.subtle.importKey("raw", session, "AES-GCM", false, ["encrypt"]);
    const gcm = { name: "AES-GCM", iv: new Uint8Array(12), tagLength: 128 };
    const sealed = new Uint8Array(await crypto.subtle.encrypt(gcm, aes, value));
    const oaep = { name: "RSA-OAEP", label };
    const wrapped = new Uint8Array(await crypto.subtle.encrypt(oaep, key, session));
    const length = Uint8Array.of(wrapped.length >> 8, wrapped.length & 255);
    return toBase64(joined([length, wrapped, sealed]));
  } finally {
    session.fill(0);
  }
}

/**
 * The size of the value in an item, told by its length; null where it is no item.
 * @param {Uint8Array} item
 */
export function sizeInside(item) {
  const wrapped = (item[0] ?? 0) * 256 + (item[1] ?? 0);
  const size = item.length - 2 - wrapped - 16;
  return wrapped === 0 || size < 0 ? null : size;
}
