// Links that open a file of a Git host in its own editor, from the address of a folder or a file.
//
// The hosts are told apart by their paths, so self-hosted ones work as well. https only; nothing of
// a Secret in clear is ever in a link, and ciphertext only where the whole address stays short.

import { Refusal } from "./refusal.js";

const MAX_LINK = 8192;
const GITHUB = { infix: "/", name: "filename", content: "value" };
const GITLAB = { infix: "/-/", name: "file_name", content: "content" };

/** @typedef {{word: string, href: string, filled: boolean}} Link */

/**
 * The link for a pasted address; `filled` where the text is in it already.
 * @param {string} address @param {string} file name of a new file @param {string} text its content
 * @returns {Link}
 */
export function editLink(address, file, text) {
  const url = parsed(address);
  const path = url.pathname.replace(/\/+$/, "").replace(/\.git$/, "");
  if (/\/_git\/[^/]+$/.test(path)) return { word: "link.open", href: url.href, filled: false };
  const made = { file, text };
  const gitlab = /^(\/.+)\/-\/(tree|blob|new|edit)\/(.+)$/.exec(path);
  if (gitlab) return linkOf(url, gitlab, made, GITLAB);
  const github = /^(\/[^/]+\/[^/]+)\/(tree|blob|new|edit)\/(.+)$/.exec(path);
  if (github) return linkOf(url, github, made, GITHUB);
  // A repository's own address: its default branch, which hosts know as HEAD.
  const bare = /^(\/[^/]+(?:\/[^/]+)+)$/.exec(path);
  if (!bare) throw new Refusal("link.unknown");
  const host = url.hostname.includes("gitlab") ? GITLAB : GITHUB;
  return linkOf(url, ["", bare[1] ?? "", "tree", "HEAD"], made, host);
}

/** @param {string} address */
function parsed(address) {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url?.protocol !== "https:" || url.username || url.password) throw new Refusal("link.https");
  return url;
}

/**
 * @param {URL} url @param {readonly string[]} match @param {{file: string, text: string}} made
 * @param {typeof GITHUB} host @returns {Link}
 */
function linkOf(url, match, made, host) {
  const [, repository = "", kind = "", place = ""] = match;
  const base = `${url.origin}${repository}${host.infix}`;
  if (kind === "blob" || kind === "edit") {
    return { word: "link.edit", href: `${base}edit/${place}`, filled: false };
  }
  const folder = `${base}new/${place}?${host.name}=${encodeURIComponent(made.file)}`;
  const whole = `${folder}&${host.content}=${encodeURIComponent(made.text)}`;
  const filled = whole.length <= MAX_LINK && made.text !== "";
  return { word: "link.new", href: filled ? whole : folder, filled };
}
