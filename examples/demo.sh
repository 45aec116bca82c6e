#!/bin/sh
# The main job, offline: a key pair, a Secret sealed, opened again and compared.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
cp "$here/secret.yaml" "$work/"
cd "$work"

say() { printf '\n== %s\n' "$1"; }
run() { printf '$ %s\n' "$*"; "$@"; }

say 'A key pair, as the controller makes it'
run seal keygen --quiet --cert-out cluster.pem --key-out cluster.key
run seal cert cluster.pem

say 'The Secret that must not go into Git'
run cat secret.yaml

say 'What can be committed'
run seal --cert cluster.pem secret.yaml -w sealed.yaml
cut -c1-76 sealed.yaml

say 'Opened again with the private key, as the controller would'
run seal verify sealed.yaml --key cluster.key
seal unseal sealed.yaml --key cluster.key -o json > opened.json

say 'Compared with the original'
python3 - secret.yaml opened.json <<'PYTHON'
import base64, json, re, sys
before = dict(re.findall(r"^  (username|password): (.*)$", open(sys.argv[1]).read(), re.M))
opened = json.load(open(sys.argv[2]))
after = {key: base64.b64decode(value).decode() for key, value in opened["data"].items()}
assert before == after and opened["metadata"]["name"] == "database", "they differ"
print("the same:", ", ".join(sorted(after)))
PYTHON
