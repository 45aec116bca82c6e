// Types of Secrets with fields of their own, and the items that these make.

import { toBase64, utf8 } from "./bytes.js";

/** @typedef {{word: string, key: string, lines?: boolean, hidden?: boolean}} Field */
/** @typedef {import("./manifest.js").Item} Item */

/** @type {[string, Field[]][]} */
export const TYPES = [
  ["Opaque", []],
  ["kubernetes.io/dockerconfigjson", [
    { word: "form.server", key: "server" },
    { word: "form.username", key: "username" },
    { word: "form.password", key: "password", hidden: true },
    { word: "form.email", key: "email" },
  ]],
  ["kubernetes.io/tls", [
    { word: "form.certificate", key: "tls.crt", lines: true },
    { word: "form.key", key: "tls.key", lines: true, hidden: true },
  ]],
  ["kubernetes.io/basic-auth", [
    { word: "form.username", key: "username" },
    { word: "form.password", key: "password", hidden: true },
  ]],
  ["kubernetes.io/ssh-auth", [{ word: "form.key", key: "ssh-privatekey", lines: true, hidden: true }]],
];

/** @param {string} type @returns {Field[]} */
export function fieldsOf(type) {
  return TYPES.find(([name]) => name === type)?.[1] ?? [];
}

/**
 * The items of a filled form; a field that is empty makes none.
 * @param {string} type @param {[string, string][]} filled texts by the fields' keys
 * @returns {Item[]}
 */
export function itemsOfForm(type, filled) {
  const given = filled.filter(([, text]) => text !== "");
  if (type === "kubernetes.io/dockerconfigjson") {
    return given.length > 0 ? [{ key: ".dockerconfigjson", bytes: dockerConfig(new Map(filled)) }] : [];
  }
  return given.map(([key, text]) => ({ key, bytes: utf8(text) }));
}

/** As `kubectl create secret docker-registry` writes it. @param {Map<string, string>} form */
function dockerConfig(form) {
  const [username, password] = [form.get("username") ?? "", form.get("password") ?? ""];
  const email = form.get("email");
  const login = [["username", username], ["password", password], ...(email ? [["email", email]] : [])];
  const auth = toBase64(utf8(`${username}:${password}`));
  const pairs = [...login, ["auth", auth]].filter(([, text]) => text !== "");
  const fields = pairs.map(([key, text]) => `${goString(key)}:${goString(text)}`);
  const server = form.get("server") || "https://index.docker.io/v1/";
  return utf8(`{"auths":{${goString(server)}:{${fields.join(",")}}}}`);
}

/** A string of JSON as Go writes it. @param {string | undefined} text */
function goString(text) {
  const hex = (/** @type {string} */ char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(text ?? "").replace(/[<>&\u2028\u2029]/g, hex);
}
