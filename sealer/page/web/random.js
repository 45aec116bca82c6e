// A random value to type nowhere: letters and digits, each as likely as the other.

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** @param {number} [length] 32 of 62 letters are 190 bits */
export function randomValue(length = 32) {
  let value = "";
  while (value.length < length) {
    const byte = crypto.getRandomValues(new Uint8Array(1))[0] ?? 255;
    // 248 is the last multiple of 62: beyond it the first letters would come more often.
    if (byte < 248) value += LETTERS[byte % LETTERS.length];
  }
  return value;
}
