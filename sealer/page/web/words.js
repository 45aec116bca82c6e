// What the page says, in the language of the person; one table for each, with the same keys.

import { Refusal } from "./refusal.js";
import { GERMAN } from "./words-de.js";
import { ENGLISH } from "./words-en.js";
import { SPANISH } from "./words-es.js";
import { FRENCH } from "./words-fr.js";
import { JAPANESE } from "./words-ja.js";

/** @typedef {Record<string, string | number>} Facts */

/** @type {[string, string, Record<string, string>][]} */
export const LANGUAGES = [
  ["en", "English", ENGLISH],
  ["de", "Deutsch", GERMAN],
  ["fr", "Français", FRENCH],
  ["es", "Español", SPANISH],
  ["ja", "日本語", JAPANESE],
];

/** The best of our languages for what a browser prefers. @param {readonly string[]} preferred */
export function languageFor(preferred) {
  const ours = LANGUAGES.map(([code]) => code);
  const codes = preferred.map((one) => one.toLowerCase().split("-")[0] ?? "");
  return codes.find((code) => ours.includes(code)) ?? "en";
}

/**
 * A text in a language, with facts in its braces. What is put in is never looked at again.
 * @param {string} language @param {string} word @param {Facts} [facts]
 */
export function say(language, word, facts = {}) {
  const table = LANGUAGES.find(([code]) => code === language)?.[2] ?? ENGLISH;
  const text = table[word] ?? ENGLISH[word] ?? word;
  return text.replace(/\{([a-z]+)\}/g, (_, name) => String(facts[name] ?? ""));
}

/** What an error says; one that is not ours says nothing of what it holds. @param {string} language @param {unknown} error */
export function sayError(language, error) {
  if (error instanceof Refusal) return say(language, error.word, error.facts);
  return say(language, "failed");
}
