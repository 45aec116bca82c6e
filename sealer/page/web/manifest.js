// Secrets and SealedSecrets as data: what is taken out of a pasted one, and the new one made.
//
// The same choices as sealer/secret.py, sealed.py and sealing.py.

import { fromBase64, utf8 } from "./bytes.js";
import { child, documentOfKind, isNull, plain, stringOf, stringsOf } from "./documents.js";
import { sizeInside } from "./envelope.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./writing.js").Mapping} Mapping */
/** @typedef {import("./reading.js").Node} Node */
/** @typedef {{key: string, bytes: Uint8Array<ArrayBuffer>}} Item */
/** @typedef {{name: string, namespace: string, scope: string}} Place */
/** @typedef {{type: string, immutable?: boolean, labels?: [string, string][], annotations: [string, string][]}} Shape */

const CLUSTER_WIDE = "sealedsecrets.bitnami.com/cluster-wide";
const NAMESPACE_WIDE = "sealedsecrets.bitnami.com/namespace-wide";
const FINGERPRINT_NOTE = "sealer.dev/certificate-fingerprint";
const LAST_APPLIED = [
  "kubectl.kubernetes.io/last-applied-configuration",
  "kubecfg.ksonnet.io/last-applied-configuration",
];
const SECRET_FIELDS = ["apiVersion", "kind", "metadata", "type", "immutable", "data", "stringData", "status"];
const KEPT_METADATA = ["name", "namespace", "labels", "annotations"];
const SERVER_METADATA = [
  "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation",
  "managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid",
];

/** @param {[string, string][]} annotations */
function scopeOf(annotations) {
  const declared = new Map(annotations);
  if (declared.get(CLUSTER_WIDE) === "true") return "cluster-wide";
  return declared.get(NAMESPACE_WIDE) === "true" ? "namespace-wide" : "strict";
}

/** @param {string} scope @returns {[string, string][]} */
function scopeAnnotations(scope) {
  if (scope === "cluster-wide") return [[CLUSTER_WIDE, "true"]];
  return scope === "namespace-wide" ? [[NAMESPACE_WIDE, "true"]] : [];
}

/** What a text's one Secret in clear holds; Refusal for what `seal` refuses. @param {string} text */
export function readSecret(text) {
  const { root } = documentOfKind(text, "Secret");
  if (stringOf(child(root, "apiVersion"), "apiVersion") !== "v1") throw new Refusal("manifest.kind");
  const metadata = child(root, "metadata");
  const inner = metadata?.kind === "map" ? metadata.entries : [];
  onlyKnown(root.entries, SECRET_FIELDS, "");
  onlyKnown(inner, [...KEPT_METADATA, ...SERVER_METADATA], "metadata.");
  const annotations = stringsOf(child(metadata, "annotations"), "metadata.annotations");
  const labels = child(metadata, "labels");
  const place = { name: stringOf(child(metadata, "name"), "metadata.name"), scope: scopeOf(annotations) };
  const immutable = booleanOf(child(root, "immutable"), "immutable");
  /** @type {Shape} */
  const shape = {
    type: stringOf(child(root, "type"), "type"),
    annotations: annotations.filter(([key]) => !isOurs(key)),
    ...(labels && !isNull(labels) ? { labels: stringsOf(labels, "metadata.labels") } : {}),
    ...(immutable === undefined ? {} : { immutable }),
  };
  const namespace = stringOf(child(metadata, "namespace"), "metadata.namespace");
  return { ...place, namespace, shape, items: itemsOfSecret(root) };
}

/** @param {string} key */
function isOurs(key) {
  return LAST_APPLIED.includes(key) || key === CLUSTER_WIDE || key === NAMESPACE_WIDE;
}

/** @param {Node} root @returns {Item[]} */
function itemsOfSecret(root) {
  const items = new Map();
  for (const [key, text] of stringsOf(child(root, "data"), "data")) {
    const bytes = fromBase64(text);
    if (!bytes) throw new Refusal("value.base64", { key });
    items.set(key, bytes);
  }
  for (const [key, text] of stringsOf(child(root, "stringData"), "stringData")) {
    items.set(key, utf8(text));
  }
  return [...items].map(([key, bytes]) => ({ key, bytes }));
}

/** @param {import("./reading.js").Entry[]} entries @param {string[]} known @param {string} path */
function onlyKnown(entries, known, path) {
  for (const { key, value } of entries) {
    const holds = !["[\"null\",\"\"]", "[\"map\",[]]", "[\"list\",[]]"].includes(JSON.stringify(plain(value)));
    if (!known.includes(key.text) && holds) {
      throw new Refusal("manifest.field", { field: path + key.text });
    }
  }
}

/** @param {Node | undefined} node @param {string} field */
function booleanOf(node, field) {
  if (node === undefined || isNull(node)) return undefined;
  if (node.kind !== "scalar" || node.type !== "boolean") throw new Refusal("manifest.boolean", { field });
  return /^(?:y|yes|true|on)$/i.test(node.text);
}

/** What a text's one SealedSecret says of itself. @param {string} text */
export function readSealed(text) {
  const { root } = documentOfKind(text, "SealedSecret");
  const version = stringOf(child(root, "apiVersion"), "apiVersion");
  if (version !== "bitnami.com/v1alpha1") throw new Refusal("manifest.kind");
  const spec = child(root, "spec");
  if (stringOf(child(spec, "data"), "spec.data")) throw new Refusal("manifest.legacy");
  const items = child(spec, "encryptedData");
  if (!items) throw new Refusal("manifest.mapping", { field: "spec.encryptedData" });
  const metadata = child(root, "metadata");
  const annotations = stringsOf(child(metadata, "annotations"), "metadata.annotations");
  return {
    name: stringOf(child(metadata, "name"), "metadata.name"),
    namespace: stringOf(child(metadata, "namespace"), "metadata.namespace"),
    scope: scopeOf(annotations),
    type: stringOf(child(child(spec, "template"), "type"), "spec.template.type"),
    fingerprint: new Map(annotations).get(FINGERPRINT_NOTE) ?? "",
    items: stringsOf(items, "spec.encryptedData").map(([key, item]) => ({ key, size: itemSize(item) })),
  };
}

/** @param {string} item */
function itemSize(item) {
  const bytes = fromBase64(item);
  return (bytes && sizeInside(bytes)) ?? 0;
}

/**
 * A new SealedSecret, as `seal` makes it.
 * @param {Place} place @param {Shape} shape @param {string} fingerprint
 * @param {[string, string][]} items sealed
 * @returns {Mapping}
 */
export function sealedSecret(place, shape, fingerprint, items) {
  /** @type {Mapping} */
  const names = [["name", place.name]];
  if (place.namespace) names.push(["namespace", place.namespace]);
  const scope = scopeAnnotations(place.scope);
  /** @type {Mapping} */
  const inner = [...names];
  if (shape.labels) inner.push(["labels", shape.labels]);
  const annotations = [...shape.annotations, ...scope];
  if (annotations.length > 0) inner.push(["annotations", annotations]);
  /** @type {Mapping} */
  const template = [["metadata", inner]];
  if (shape.type) template.push(["type", shape.type]);
  if (shape.immutable !== undefined) template.push(["immutable", shape.immutable]);
  return [
    ["apiVersion", "bitnami.com/v1alpha1"],
    ["kind", "SealedSecret"],
    ["metadata", [...names, ["annotations", [...scope, [FINGERPRINT_NOTE, fingerprint]]]]],
    ["spec", [["encryptedData", items], ["template", template]]],
  ];
}
