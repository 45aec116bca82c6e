// What is seen: every text of the page from the tables of words, and what follows from the fields.

import { clustersIn, dayOf, endsSoon, troubleOf } from "./clusters.js";
import { area, block, fill, input, made, select } from "./elements.js";
import { TYPES, fieldsOf } from "./forms.js";
import { editLink } from "./links.js";
import { Refusal } from "./refusal.js";
import { LANGUAGES, say, sayError } from "./words.js";

/** @typedef {import("./draft.js").Draft} Draft */

const SCOPES = ["strict", "namespace-wide", "cluster-wide"];

/** @param {string} word @param {Record<string, string | number>} [facts] */
export function told(word, facts) {
  return say(select("language").value, word, facts);
}

/** The cluster that is chosen. */
export function chosenCluster() {
  const clusters = clustersIn(block("clusters").textContent ?? "[]");
  const cluster = clusters[Number(select("cluster").value)];
  if (!cluster) throw new Error("the page has no cluster");
  return cluster;
}

/** Fill the lists that no language changes. @param {readonly string[]} languages */
export function fillLists(languages) {
  fill(select("language"), LANGUAGES.map(([code, name]) => [code, name]));
  const wanted = languages[0];
  if (wanted) select("language").value = wanted;
  const clusters = clustersIn(block("clusters").textContent ?? "[]");
  fill(select("cluster"), clusters.map(({ name }, at) => [String(at), name]));
  fill(select("type"), TYPES.map(([name]) => [name, name]));
}

/** Put every text into the chosen language. */
export function showWords() {
  document.documentElement.lang = select("language").value;
  document.title = told("title");
  for (const node of document.querySelectorAll("[data-word]")) {
    if (node instanceof HTMLElement) node.textContent = told(node.dataset["word"] ?? "");
  }
  fill(select("scope"), SCOPES.map((scope) => [scope, told(`scope.${scope}`)]));
}

/** What the chosen cluster's certificate is. @param {number} now */
export function showCluster(now) {
  const cluster = chosenCluster();
  const { fingerprint } = cluster;
  const until = dayOf(cluster.until);
  block("cluster-facts").textContent = told("cluster.facts", { fingerprint, until });
  const trouble = troubleOf(cluster, now);
  const soon = endsSoon(cluster, now) ? told("cluster.soon", { until }) : "";
  const problem = trouble ? sayError(select("language").value, trouble) : soon;
  block("cluster-warning").textContent = problem;
}

/** The fields of the chosen type, empty; none while a SealedSecret is changed. @param {Draft} draft */
export function showForm(draft) {
  const fields = draft.existing ? [] : fieldsOf(select("type").value);
  const filled = new Map(filledForm());
  block("form").replaceChildren(...fields.map((field) => {
    const id = `form-${field.key}`;
    const label = made("label", told(field.word), { for: id, "data-word": field.word });
    const attributes = {
      id, "data-key": field.key, autocomplete: "off", autocapitalize: "off", spellcheck: "false",
      "data-lpignore": "true", "data-1p-ignore": "",
    };
    const control = field.lines ? made("textarea", "", { ...attributes, rows: "3" }) : made("input", "", attributes);
    control.value = filled.get(field.key) ?? "";
    control.classList.toggle("code", Boolean(field.lines));
    if (field.hidden) control.classList.add("secret");
    const box = made("div", "", { class: field.lines ? "field wide" : "field" });
    box.append(label, control);
    return box;
  }));
  hideValues();
}

/** Texts by key. @returns {[string, string][]} */
export function filledForm() {
  const controls = block("form").querySelectorAll("input, textarea");
  return [...controls].map((node) => {
    const control = /** @type {HTMLInputElement | HTMLTextAreaElement} */ (node);
    return [control.dataset["key"] ?? "", control.value];
  });
}

/** Values are dots until somebody asks to see them. @param {boolean} [shown] */
export function hideValues(shown = false) {
  const button = block("show");
  button.setAttribute("aria-pressed", String(shown));
  button.textContent = told("show");
  for (const node of [area("value"), ...block("form").querySelectorAll(".secret, .shown")]) {
    node.classList.toggle("secret", !shown);
    node.classList.toggle("shown", shown);
  }
}

/** Fields that a SealedSecret has fixed. @param {Draft} draft */
export function showPlace(draft) {
  const sealed = draft.existing?.sealed;
  input("name").disabled = Boolean(sealed?.name);
  input("namespace").disabled = Boolean(sealed?.namespace);
  select("scope").disabled = Boolean(sealed);
  select("type").disabled = Boolean(sealed);
  block("scope-hint").textContent = told(`scope.${select("scope").value}.hint`);
}

/** Choose a type, one that is not in the list as well. @param {string} type */
export function chooseType(type) {
  const list = select("type");
  const known = [...list.options].some((option) => option.value === type);
  if (!known) list.append(made("option", type || "—", { value: type }));
  list.value = type;
}

/** The link to the repository's editor. @param {string} file @param {string} text */
export function showLink(file, text) {
  const place = block("link");
  const address = input("repository").value.trim();
  place.replaceChildren();
  if (!address) return;
  try {
    const link = editLink(address, file, text);
    const attributes = {
      href: link.href, target: "_blank", rel: "noopener noreferrer", referrerpolicy: "no-referrer",
    };
    place.append(made("a", told(link.word), attributes));
    if (!link.filled) place.append(` ${told("link.copy")}`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    place.append(sayError(select("language").value, error));
  }
}
