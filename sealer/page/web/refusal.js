// What the page refuses, as a word of its tables: `words` says it in the language of the person.

export class Refusal extends Error {
  /**
   * @param {string} word a key of the tables of words
   * @param {Record<string, string | number>} [facts] what is put into its braces; never a value
   */
  constructor(word, facts = {}) {
    super(word);
    this.word = word;
    this.facts = facts;
  }
}
