// The page itself: fields to a draft, a draft to a SealedSecret, and nothing to anywhere else.

import { textOf, utf8 } from "./bytes.js";
import { firstKind } from "./documents.js";
import { addItems, dropKey, emptyDraft, renameKey, sizeOf, takeSealed, takeSecret, valuesOf } from "./draft.js";
import { area, block, button, input, select } from "./elements.js";
import { showKeys } from "./keys.js";
import { MAX_APPLY_BYTES, MAX_SECRET_BYTES, checkKey, checkSize, namespacesIn } from "./names.js";
import { randomValue } from "./random.js";
import { Refusal } from "./refusal.js";
import { sealInto, sealNew } from "./sealing.js";
import {
  chooseType, chosenCluster, fillLists, filledForm, hideValues, showCluster, showForm, showLink,
  showPlace, showWords, told,
} from "./view.js";
import { languageFor, sayError } from "./words.js";

let draft = emptyDraft();
/** The result, its line ends as they are: a text box makes them all alike. */
let output = "";
let outputFile = "";
/** How much is still being done. */
let busy = 0;
/** @type {File | null} */
let openedFile = null;
/** Why what was pasted cannot be used: nothing is sealed beside it. @type {Refusal | null} */
let unusable = null;

/** Run what a person asked for; what fails is told and never thrown. @param {() => unknown} action */
function guarded(action) {
  block("message").textContent = "";
  block("done").textContent = "";
  busy += 1;
  block("main").setAttribute("aria-busy", "true");
  return Promise.resolve().then(action).catch(tell).finally(() => {
    busy -= 1;
    if (busy === 0) block("main").removeAttribute("aria-busy");
  });
}

/** @param {unknown} error */
function tell(error) {
  block("message").textContent = sayError(select("language").value, error);
}

/** @param {string} word @param {Record<string, string | number>} [facts] */
function done(word, facts) {
  block("done").textContent = told(word, facts);
}

/** @param {string} word @param {Record<string, string | number>} [facts] @param {boolean} [bad] */
function existingStatus(word, facts, bad = false) {
  block("existing-status").textContent = word ? told(word, facts) : "";
  block("existing-status").classList.toggle("bad", bad);
}

function render() {
  showKeys(draft, told, {
    rename: (key, name) => guarded(() => {
      try {
        renameKey(draft, key, name);
      } finally {
        render();
      }
    }),
    remove: (key) => guarded(() => {
      dropKey(draft, key);
      render();
      input("key").focus();
    }),
  });
  showPlace(draft);
}

/** @param {string} text */
function showOutput(text) {
  output = text;
  area("result").value = text;
  button("copy").disabled = text === "";
  button("download").disabled = text === "";
  if (text === "") block("result-warning").textContent = "";
  refreshLink();
}

function refreshLink() {
  // What is around a pasted SealedSecret is somebody's, and may be clear: it goes into no address.
  showLink(outputFile || "secret.yaml", draft.existing ? "" : output);
}

/** Take what was pasted or dropped as a manifest. @param {string} text */
function takeManifest(text) {
  const before = draft.existing;
  existingStatus("");
  showOutput("");
  unusable = null;
  if (text.trim() === "") {
    if (before) draft = { ...emptyDraft(), items: draft.items };
    openedFile = null;
  } else {
    try {
      if (firstKind(text) === "Secret") takeClear(text);
      else takeExisting(text);
    } catch (error) {
      refuseManifest(error);
    }
  }
  showForm(draft);
  render();
}

/** Nothing is sealed until what was refused is out of its field. @param {unknown} error */
function refuseManifest(error) {
  if (!(error instanceof Refusal)) throw error;
  draft.existing = null;
  unusable = error;
  existingStatus(error.word, error.facts, true);
}

/** @param {string} text */
function takeClear(text) {
  const secret = takeSecret(draft, text);
  if (secret.name) input("name").value = secret.name;
  if (secret.namespace) input("namespace").value = secret.namespace;
  select("scope").value = secret.scope;
  chooseType(secret.shape.type);
  area("existing").value = "";
  openedFile = null;
  const { annotations, immutable, labels } = secret.shape;
  const carries = annotations.length > 0 || labels !== undefined || immutable !== undefined;
  existingStatus(carries ? "existing.carried" : "existing.clear");
}

/** @param {string} text */
function takeExisting(text) {
  const sealed = takeSealed(draft, text);
  if (sealed.name) input("name").value = sealed.name;
  if (sealed.namespace) input("namespace").value = sealed.namespace;
  select("scope").value = sealed.scope;
  chooseType(sealed.type);
  existingStatus("existing.sealed");
}

/** @param {File} file */
async function openManifest(file) {
  try {
    checkSize(Math.max(0, file.size - 8 * MAX_SECRET_BYTES));
    const text = textOf(await bytesOf(file));
    if (text === null) throw new Refusal("manifest.text");
    area("existing").value = text;
    openedFile = file;
    takeManifest(text);
  } catch (error) {
    // Its name stands where its text would, to be taken out again.
    area("existing").value = file.name;
    openedFile = null;
    showOutput("");
    refuseManifest(error);
    showForm(draft);
    render();
  }
}

/** @param {Iterable<File>} files @param {string} [key] for the first of them */
async function addFiles(files, key = "") {
  const all = [...files];
  checkSize(all.reduce((sum, file) => sum + file.size, 0));
  const items = [];
  for (const file of all) {
    const name = key && all.length === 1 ? key : file.name;
    checkKey(name);
    items.push({ key: name, bytes: await bytesOf(file) });
  }
  addItems(draft, items);
  render();
}

/** What a file holds; a folder that was dropped is no file. @param {File} file */
async function bytesOf(file) {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new Refusal("file.unreadable", { file: file.name });
  }
}

/** Add what is typed or chosen. @param {boolean} asked whether by the button: then it may be empty */
async function addTyped(asked) {
  const [key, value] = [input("key").value.trim(), area("value").value];
  const files = [...(input("file").files ?? [])];
  if (!asked && !key && !value && files.length === 0) return;
  if (files.length > 0 && value) throw new Refusal("value.both");
  if (files.length > 0) await addFiles(files, key);
  else if (!asked && key && !value) throw new Refusal("value.missing", { key });
  else addItems(draft, [{ key, bytes: utf8(value) }]);
  input("key").value = "";
  area("value").value = "";
  input("file").value = "";
  hideValues();
  render();
  if (asked) input("key").focus();
}

async function seal() {
  button("seal").disabled = true;
  showOutput("");
  try {
    if (unusable) throw unusable;
    await addTyped(false);
    const [cluster, type, now] = [chosenCluster(), select("type").value, Date.now()];
    const namespaces = namespacesIn(input("namespace").value);
    const items = valuesOf(draft, type, filledForm());
    const name = input("name").value.trim();
    const places = { name, namespaces, scope: select("scope").value };
    const shape = { ...draft.shape, type };
    const text = draft.existing
      ? await sealInto(cluster, draft.existing, namespaces, items, now)
      : await sealNew(cluster, places, shape, items, now);
    const large = items.reduce((sum, item) => sum + item.bytes.length, 0) > MAX_APPLY_BYTES;
    const larger = sizeOf(draft) > MAX_APPLY_BYTES;
    block("result-warning").textContent = large || larger ? told("result.large") : "";
    const opened = openedFile?.name ?? "";
    outputFile = /^[\w.-]+\.ya?ml$/.test(opened) ? opened : `${name || "sealed"}.yaml`;
    showOutput(text);
    done("done.sealed", { cluster: cluster.name });
  } finally {
    button("seal").disabled = false;
  }
}

async function copy() {
  try {
    await navigator.clipboard.writeText(output);
    done("done.copied");
  } catch {
    area("result").select();
    done("done.copy");
  }
}

function download() {
  const address = URL.createObjectURL(new Blob([output], { type: "application/yaml" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = outputFile;
  link.click();
  // The browser has begun to read it once the click is over.
  setTimeout(() => URL.revokeObjectURL(address), 1000);
  done("done.downloaded", { file: outputFile });
}

/** Forget all that was typed, pasted or made; with `all` the place it is for as well. @param {boolean} all */
function forget(all) {
  draft = emptyDraft();
  openedFile = null;
  unusable = null;
  outputFile = "";
  block("form").replaceChildren();
  for (const id of ["name", "key", "file", "open"]) input(id).value = "";
  for (const id of ["existing", "value"]) area(id).value = "";
  if (all) for (const id of ["namespace", "repository"]) input(id).value = "";
  block("message").textContent = "";
  block("done").textContent = "";
  existingStatus("");
  showOutput("");
  chooseType("Opaque");
  showForm(draft);
  render();
}

/**
 * Whether a field takes the text that is dropped on it. What nothing takes, a browser opens: a
 * connection string with its password would be an address to go to.
 * @param {DragEvent} event
 */
function takesText({ target, dataTransfer }) {
  const isField = target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && target.type !== "file");
  return isField && !target.readOnly && !target.disabled && dataTransfer?.types.includes("text/plain");
}

/** A file that is dropped anywhere must not take the page's place. @param {DragEvent} event */
function dropped(event) {
  document.body.classList.remove("dragging");
  const target = event.target instanceof Element ? event.target : null;
  const files = [...(event.dataTransfer?.files ?? [])];
  if (files.length === 0 && takesText(event)) return;
  event.preventDefault();
  const [first] = files;
  if (!first) return;
  const key = target instanceof HTMLTextAreaElement ? target.dataset["key"] : undefined;
  void guarded(() => {
    if (target?.id === "existing") return openManifest(first);
    return addFiles(files, key ?? input("key").value.trim());
  });
}

/** @param {DragEvent} event */
function dragged(event) {
  if (event.dataTransfer?.types.includes("Files") || !takesText(event)) event.preventDefault();
  document.body.classList.toggle("dragging", event.type === "dragover");
}

function listen() {
  select("language").addEventListener("change", () => {
    showWords();
    showCluster(Date.now());
    showForm(draft);
    existingStatus("");
    for (const id of ["message", "done", "result-warning"]) block(id).textContent = "";
    refreshLink();
    render();
  });
  select("cluster").addEventListener("change", () => showCluster(Date.now()));
  select("scope").addEventListener("change", () => showPlace(draft));
  select("type").addEventListener("change", () => showForm(draft));
  area("existing").addEventListener("input", () => {
    openedFile = null;
    void guarded(() => takeManifest(area("existing").value));
  });
  input("open").addEventListener("change", () => {
    const file = input("open").files?.[0];
    if (file) void guarded(() => openManifest(file));
  });
  input("file").addEventListener("change", () => {
    const files = input("file").files;
    if (files?.length === 1 && !input("key").value) input("key").value = files[0]?.name ?? "";
  });
  input("repository").addEventListener("input", refreshLink);
  button("show").addEventListener("click", () => {
    hideValues(button("show").getAttribute("aria-pressed") !== "true");
  });
  button("generate").addEventListener("click", () => {
    area("value").value = randomValue();
  });
  button("add").addEventListener("click", () => void guarded(() => addTyped(true)));
  button("seal").addEventListener("click", () => void guarded(seal));
  button("copy").addEventListener("click", () => void guarded(copy));
  button("download").addEventListener("click", () => void guarded(download));
  button("clear").addEventListener("click", () => forget(false));
  for (const type of /** @type {const} */ (["dragover", "dragleave"])) document.addEventListener(type, dragged);
  document.addEventListener("drop", dropped);
  // A page that is left may be kept in memory or written to a session's file: empty.
  window.addEventListener("pagehide", () => forget(true));
}

function start() {
  // Whoever shows us in a frame of theirs can lay something over it: there is nothing to see.
  if (window.top !== window.self) return;
  fillLists([languageFor(navigator.languages)]);
  showWords();
  if (!window.isSecureContext || !globalThis.crypto?.subtle) {
    block("insecure").hidden = false;
    return;
  }
  listen();
  showCluster(Date.now());
  showForm(draft);
  render();
  block("main").hidden = false;
}

start();
