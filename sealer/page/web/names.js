// What Kubernetes takes for a name, a namespace, a key, and what it needs for a type.

import { textOf } from "./bytes.js";
import { Refusal } from "./refusal.js";

/** @typedef {{key: string, bytes: Uint8Array}} Named */

// Source: k8s.io/kubernetes core.MaxSecretSize.
export const MAX_SECRET_BYTES = 1024 * 1024;
// kubectl apply keeps the whole object in an annotation, and annotations may have 256 KiB; base64
// makes four bytes of three.
export const MAX_APPLY_BYTES = 190 * 1024;
// Source: k8s.io/apimachinery, validation.IsDNS1123Label and IsConfigMapKey.
const LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const KEY = /^[-._a-zA-Z0-9]{1,253}$/;
// Source: k8s.io/kubernetes pkg/apis/core/validation, ValidateSecret.
/** @type {[string, string[]][]} */
const NEEDED = [
  ["kubernetes.io/dockercfg", [".dockercfg"]],
  ["kubernetes.io/dockerconfigjson", [".dockerconfigjson"]],
  ["kubernetes.io/ssh-auth", ["ssh-privatekey"]],
  ["kubernetes.io/tls", ["tls.crt", "tls.key"]],
];
// Sources: getsops/sops aes/cipher.go; Ansible's documentation; AGWA/git-crypt.
const FOREIGN = [
  /^\s*ENC\[AES256_GCM,data:[^\],]*,iv:[^\],]*,tag:[^\],]*,type:\w+\]\s*$/,
  /^\$ANSIBLE_VAULT;\d+\.\d+;\w+/,
  /^\0GITCRYPT\0/,
];

/** @param {string} name */
export function checkName(name) {
  const fits = name.length <= 253 && name.split(".").every((part) => LABEL.test(part));
  if (!fits) throw new Refusal("name.invalid", { name });
}

/** @param {string} name */
export function checkNamespace(name) {
  if (name.length > 63 || !LABEL.test(name)) throw new Refusal("namespace.invalid", { name });
}

/** The namespaces in a text, apart by commas or blanks, each once. @param {string} text */
export function namespacesIn(text) {
  const names = text.split(/[\s,;]+/).filter(Boolean);
  names.forEach(checkNamespace);
  return [...new Set(names)];
}

/** @param {string} key */
export function checkKey(key) {
  if (!key) throw new Refusal("key.missing");
  if (!KEY.test(key) || key === "." || key.startsWith("..")) throw new Refusal("key.invalid", { key });
}

/** A value that another tool encrypted would be sealed as it is, its key thrown away. @param {Named} item */
export function checkValue({ key, bytes }) {
  const text = textOf(bytes.subarray(0, 10_000_000)) ?? String.fromCharCode(...bytes.subarray(0, 64));
  if (FOREIGN.some((pattern) => pattern.test(text))) throw new Refusal("value.encrypted", { key });
}

/** @param {string} type @param {string[]} keys */
export function checkType(type, keys) {
  const needed = NEEDED.find(([name]) => name === type)?.[1] ?? [];
  const missing = needed.filter((key) => !keys.includes(key));
  if (missing.length > 0) throw new Refusal("type.needs", { type, keys: missing.join(", ") });
  const basic = keys.includes("username") || keys.includes("password");
  if (type === "kubernetes.io/basic-auth" && !basic) {
    throw new Refusal("type.needs", { type, keys: "username, password" });
  }
}

/** @param {number} size of all values together */
export function checkSize(size) {
  if (size > MAX_SECRET_BYTES) throw new Refusal("value.large", { size, most: MAX_SECRET_BYTES });
}
