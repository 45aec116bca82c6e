// What the page's sources are held to: eslint's own rules, and those that its safety rests on.

import js from "@eslint/js";

const browser = [
  "AbortController", "Blob", "CryptoKey", "DragEvent", "Element", "File", "HTMLButtonElement",
  "HTMLElement", "HTMLInputElement", "HTMLSelectElement", "HTMLTableElement",
  "HTMLTextAreaElement", "TextDecoder", "TextEncoder", "URL", "atob", "btoa", "crypto",
  "document", "navigator", "setTimeout", "window",
];
const noHtml = "innerHTML,outerHTML,insertAdjacentHTML,write,writeln,srcdoc,cookie".split(",");

export default [
  js.configs.recommended,
  {
    languageOptions: { globals: Object.fromEntries(browser.map((name) => [name, "readonly"])) },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "curly": ["error", "multi-line"],
      "eqeqeq": "error",
      "max-lines": ["error", 400],
      "max-lines-per-function": ["error", 45],
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-restricted-globals": ["error", "fetch", "XMLHttpRequest", "WebSocket", "EventSource",
        "localStorage", "sessionStorage", "indexedDB", "RTCPeerConnection", "Worker", "history",
        "location", "open", "postMessage"],
      "no-restricted-properties": ["error", ...noHtml.map((property) => ({ property })),
        { property: "sendBeacon" }, { property: "random", object: "Math" }],
      "no-restricted-syntax": ["error", "ImportDefaultSpecifier", "ImportNamespaceSpecifier",
        "ExportDefaultDeclaration", "ExportAllDeclaration", "ImportExpression"],
      "no-shadow": "error",
      "no-var": "error",
      "prefer-const": "error",
    },
  },
];
