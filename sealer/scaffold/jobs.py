"""The CI job of each service: its file, and the text. ``VERSION`` stands for ours."""

from __future__ import annotations

_GITHUB = """\
name: sealed secrets
"on":
  pull_request:
  push:
    branches: [main]
permissions: {}
jobs:
  check:
    runs-on: ubuntu-24.04
    permissions:
      contents: read
      # The report in the Security tab.
      security-events: write
      # The comment that lists which keys changed.
      pull-requests: write
    steps:
      - uses: actions/checkout@v4
        with:
          # seal diff compares with the branch that is merged into.
          fetch-depth: 0
          persist-credentials: false
      - uses: sealer/sealer@vVERSION
"""

_AZURE = """\
trigger: [main]
pr: ["*"]
resources:
  repositories:
    - repository: sealer
      type: github
      name: sealer/sealer
      ref: refs/tags/vVERSION
      endpoint: github
jobs:
  - template: examples/ci/azure-pipelines.yml@sealer
"""

_GITLAB = """\
seal-check:
  image: python:3.13-slim
  variables:
    GIT_DEPTH: "0"
  before_script:
    - apt-get update -qq && apt-get install -qqy --no-install-recommends git
    - pip install --quiet "sealer==VERSION"
  script:
    - seal check --raw-only .
    - seal diff "${CI_MERGE_REQUEST_DIFF_BASE_SHA:-HEAD~1}...HEAD"
"""

JOBS = {
    "github": (".github/workflows/sealed-secrets.yml", _GITHUB),
    "azure": ("azure-pipelines.sealed-secrets.yml", _AZURE),
    "gitlab": (".gitlab-ci.sealed-secrets.yml", _GITLAB),
}
