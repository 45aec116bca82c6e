// The clusters that this page seals for: data that `seal page` wrote, no certificate is parsed here.

import { fromBase64 } from "./bytes.js";
import { Refusal } from "./refusal.js";

/** @typedef {{name: string, fingerprint: string, from: string, until: string, bits: number, spki: string}} Cluster */

const SOON_DAYS = 30;
const DAY = 24 * 60 * 60 * 1000;

/** @param {string} json what stands in the page @returns {Cluster[]} */
export function clustersIn(json) {
  return JSON.parse(json);
}

/** What is to be said of a cluster's certificate now; null for nothing. @param {Cluster} cluster @param {number} now */
export function troubleOf(cluster, now) {
  const facts = { from: dayOf(cluster.from), until: dayOf(cluster.until) };
  if (now > Date.parse(cluster.until)) return new Refusal("cluster.expired", facts);
  if (now < Date.parse(cluster.from)) return new Refusal("cluster.early", facts);
  return null;
}

/** Whether a person should ask for a new page. @param {Cluster} cluster @param {number} now */
export function endsSoon(cluster, now) {
  return Date.parse(cluster.until) - now < SOON_DAYS * DAY;
}

/** @param {string} moment ISO 8601 in UTC */
export function dayOf(moment) {
  return moment.slice(0, 10);
}

/** @param {Cluster} cluster */
export function spkiOf(cluster) {
  return fromBase64(cluster.spki) ?? new Uint8Array();
}
