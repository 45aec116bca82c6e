// From a draft to the text of its SealedSecrets, the only place where values are encrypted.

import { spkiOf, troubleOf } from "./clusters.js";
import { fingerprintAfter, putFingerprint, putItem } from "./editing.js";
import { labelOf, publicKey, sealValue } from "./envelope.js";
import { sealedSecret } from "./manifest.js";
import { checkName, checkNamespace, checkType } from "./names.js";
import { Refusal } from "./refusal.js";
import { documentOf } from "./writing.js";

/** @typedef {import("./clusters.js").Cluster} Cluster */
/** @typedef {import("./draft.js").Existing} Existing */
/** @typedef {import("./manifest.js").Item} Item */
/** @typedef {import("./manifest.js").Shape} Shape */
/** @typedef {{name: string, namespaces: string[], scope: string}} Places */

/**
 * New SealedSecrets, one for each namespace.
 * @param {Cluster} cluster @param {Places} places @param {Shape} shape @param {Item[]} items
 * @param {number} now
 */
export async function sealNew(cluster, places, shape, items, now) {
  const trouble = troubleOf(cluster, now);
  if (trouble) throw trouble;
  if (!places.name) throw new Refusal("name.missing");
  checkName(places.name);
  if (places.namespaces.length === 0 && places.scope !== "cluster-wide") {
    throw new Refusal("namespace.missing");
  }
  if (items.length === 0) throw new Refusal("value.none");
  checkType(shape.type, items.map(({ key }) => key));
  const key = await publicKey(spkiOf(cluster));
  const texts = [];
  for (const namespace of places.namespaces.length > 0 ? places.namespaces : [""]) {
    const place = { name: places.name, namespace, scope: places.scope };
    const sealed = await sealItems(key, items, place);
    texts.push(documentOf(sealedSecret(place, shape, cluster.fingerprint, sealed)));
  }
  return texts.join("---\n");
}

/**
 * The text of a SealedSecret with values set, as `seal set` sets them one after the other.
 * @param {Cluster} cluster @param {Existing} existing @param {string[]} namespaces for one that
 * names none @param {Item[]} items @param {number} now
 */
export async function sealInto(cluster, existing, namespaces, items, now) {
  const { sealed } = existing;
  let { text } = existing;
  if (items.length > 0) {
    const trouble = troubleOf(cluster, now);
    if (trouble) throw trouble;
    const place = { ...sealed, namespace: sealed.namespace || (namespaces[0] ?? "") };
    if (!place.name && place.scope === "strict") throw new Refusal("name.missing");
    if (!place.namespace && place.scope !== "cluster-wide") throw new Refusal("namespace.missing");
    if (place.name) checkName(place.name);
    if (place.namespace) checkNamespace(place.namespace);
    const key = await publicKey(spkiOf(cluster));
    for (const [name, item] of await sealItems(key, items, place)) text = putItem(text, name, item);
  }
  /** @type {[string, string][]} */
  const kept = existing.keys.map(({ key, original }) => [key, original]);
  const fresh = items.map(({ key }) => key);
  const words = fingerprintAfter(sealed.fingerprint, kept, fresh, cluster.fingerprint);
  return words === null ? text : putFingerprint(text, words);
}

/** @param {CryptoKey} key @param {Item[]} items @param {import("./manifest.js").Place} place */
async function sealItems(key, items, place) {
  const label = labelOf(place.namespace, place.name, place.scope);
  /** @type {[string, string][]} */
  const sealed = [];
  for (const item of items) sealed.push([item.key, await sealValue(key, item.bytes, label)]);
  return sealed;
}
