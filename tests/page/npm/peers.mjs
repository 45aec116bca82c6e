// What others' packages make of our ciphertext, and ciphertext of theirs; JSON in, JSON out.

import { readFileSync } from "node:fs";
import { encryptSecretItem } from "@linode/kubeseal-encrypt";
import { HybridDecrypt, encryptValue } from "@socialgouv/aes-gcm-rsa-oaep";

const { certificate, key, item, place, spki, value } = JSON.parse(readFileSync(0, "utf8"));
const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64"));
const oaep = { name: "RSA-OAEP", hash: "SHA-256" };
const secret = await crypto.subtle.importKey("pkcs8", bytes(key), oaep, false, ["decrypt"]);
const label = new TextEncoder().encode(`${place.namespace}/${place.name}`);
console.log(JSON.stringify({
  opened: await HybridDecrypt(secret, bytes(item).buffer, label.buffer),
  socialgouv: await encryptValue({ pemKey: certificate, scope: "strict", ...place, value }),
  linode: await encryptSecretItem(spki, place.namespace, value),
}));
