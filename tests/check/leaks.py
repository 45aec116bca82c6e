"""Files that leak, each in its own way, and files that only look like it."""

# ruff: noqa: E501  a case a line: a wrapped table of files reads worse

from __future__ import annotations

FLUX_KUSTOMIZATION = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  path: ./nowhere
  postBuild:
    substitute:
      cluster: prod
      db_password: hunter2canary
"""
HELM_RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: db}
spec:
  chart: {spec: {chart: postgresql}}
  values:
    auth:
      username: app
      postgresPassword: hunter2canary
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n"
LITERALS = 'secretGenerator:\n- name: db\n  literals:\n  - "password=hunter2canary"\n'

SOPS = "ENC[AES256_GCM,data:xx,iv:yy==,tag:zz==,type:str]"
LEAKS: dict[str, dict[str, str]] = {
    "stringdata": {"s.yaml": SECRET + "stringData:\n  password: hunter2canary\n"},
    "data-short": {"s.yaml": SECRET + "data:\n  a: eA==\n"},
    "data-long": {"s.yaml": SECRET + f"data:\n  password: {'aHVudGVyMmNhbmFyeQ' * 20}==\n"},
    "data-far-from-kind": {
        "s.yaml": SECRET + "  labels:\n" + "".join(f"    l{n}: v\n" for n in range(300))
        + "data:\n  password: aHVudGVyMmNhbmFyeQ==\n"
    },
    "data-before-kind": {"s.yaml": "data: {p: aHVudGVyMmNhbmFyeQ==}\nmetadata: {name: a}\nkind: Secret\napiVersion: v1\n"},
    "json": {"s.json": '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"stringData":{"p":"hunter2canary"}}'},
    "json-concatenated": {"s.json": '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}\n{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"p":"aHVudGVyMmNhbmFyeQ=="}}'},
    "list": {"s.yaml": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: a}\n  stringData: {p: hunter2canary}\n"},
    "secretlist": {"s.yaml": "apiVersion: v1\nkind: SecretList\nitems:\n- metadata: {name: a}\n  data: {p: aHVudGVyMmNhbmFyeQ==}\n"},
    "second-document": {"s.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n" + SECRET + "stringData: {p: hunter2canary}\n"},
    "flow-style": {"s.yaml": "{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {p: hunter2canary}}\n"},
    "block-scalar": {"s.yaml": SECRET + "stringData:\n  config: |\n    password=hunter2canary\n"},
    "crlf": {"s.yaml": (SECRET + "stringData:\n  p: hunter2canary\n").replace("\n", "\r\n")},
    "bom": {"s.yaml": "\ufeff" + SECRET + "stringData:\n  p: hunter2canary\n"},
    "dot-file": {".s.yml": SECRET + "stringData:\n  p: hunter2canary\n"},
    "quoted-kind": {"s.yaml": SECRET.replace("Secret", '"Secret"') + "stringData: {p: hunter2canary}\n"},
    "tls": {"s.yaml": SECRET + "type: kubernetes.io/tls\ndata: {tls.key: LS0tLS1CRUdJTiBSU0E=, tls.crt: LS0t}\n"},
    "number": {"s.yaml": SECRET + "stringData: {pin: 12345}\n"},
    "beside-a-sealed-one": {"s.yaml": "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: b, namespace: c}\nspec: {encryptedData: {}}\n---\n" + SECRET + "data: {p: aHVudGVyMmNhbmFyeQ==}\n"},
    "generator-literals": {"kustomization.yaml": LITERALS},
    "generator-env": {"kustomization.yaml": "secretGenerator:\n- name: db\n  envs: [db.env]\n", "db.env": "# comment\nPASSWORD=hunter2canary\n"},
    "generator-file": {"kustomization.yaml": "secretGenerator:\n- name: db\n  files: [password=p.txt]\n", "p.txt": "hunter2canary\n"},
    "patch-json": {"kustomization.yaml": "patches:\n- target: {kind: Secret}\n  patch: |-\n    - op: add\n      path: /stringData/p\n      value: hunter2canary\n"},
    "patch-merge": {"kustomization.yaml": "patches:\n- patch: |-\n    apiVersion: v1\n    kind: Secret\n    metadata: {name: a}\n    stringData: {p: hunter2canary}\n"},
    "helm-values": {"values.yaml": "auth:\n  rootPassword: hunter2canary\n"},
    "helm-values-prod": {"values-prod.yaml": "redis:\n  auth:\n    password: hunter2canary\n"},
    "helm-values-env": {"values.yaml": "env:\n- name: DB_PASSWORD\n  value: hunter2canary\n"},
    "helm-values-url": {"values.yaml": "database:\n  url: postgres://app:hunter2canary@db:5432/app\n"},
    "helmrelease": {"r.yaml": HELM_RELEASE},
    "helmrelease-extra-objects": {"r.yaml": HELM_RELEASE.replace("      postgresPassword: hunter2canary\n", "") + "    extraDeploy:\n    - apiVersion: v1\n      kind: Secret\n      metadata: {name: a}\n      stringData: {p: hunter2canary}\n"},
    "argocd-values": {"a.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  source:\n    helm:\n      values: |\n        adminPassword: hunter2canary\n"},
    "helmcharts-inline": {"kustomization.yaml": "helmCharts:\n- name: db\n  valuesInline:\n    auth: {password: hunter2canary}\n"},
    "substitute": {"k.yaml": FLUX_KUSTOMIZATION},
    "in-a-configmap": {"c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  m.yaml: |\n    apiVersion: v1\n    kind: Secret\n    metadata: {name: a}\n    stringData: {p: hunter2canary}\n"},
    "chart-template": {"templates/s.yaml": "{{- if .Values.on }}\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  password: aHVudGVyMmNhbmFyeQ==\n{{- end }}\n"},
    "sealed-template": {"s.yaml": "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec:\n  encryptedData: {}\n  template:\n    data:\n      app.conf: |\n        host = db\n        password = hunter2canary\n"},
    "sealed-template-key": {"s.yaml": "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec: {encryptedData: {}, template: {data: {password: hunter2canary}}}\n"},
    "sealed-annotation": {"s.yaml": "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: a\n  namespace: b\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"data\":{\"p\":\"aHVudGVyMmNhbmFyeQ==\"}}\nspec: {encryptedData: {}}\n"},
    "sealed-in-clear": {"s.yaml": "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec: {encryptedData: {password: hunter2canary}}\n"},
    "sops-in-part": {"s.yaml": SECRET + f"stringData: {{p: hunter2canary}}\ndata:\n  q: {SOPS}\nsops:\n  mac: {SOPS}\n  version: 3.9.0\n"},
    "sops-block": {"s.yaml": SECRET + "stringData: {p: hunter2canary}\nsops: {version: x}\n"},
    "sops-look": {"s.yaml": SECRET + "stringData: {p: 'ENC[hunter2canary]'}\n"},
    "sops-values": {"values.yaml": f"password: hunter2canary\nsops:\n  mac: {SOPS}\n  version: 3.9.0\n"},
    "sops-env": {"kustomization.yaml": "secretGenerator:\n- name: db\n  envs: [db.env]\n", "db.env": f"P={SOPS}\nQ=hunter2canary\nsops_mac={SOPS}\nsops_version=3.9.0\n"},
    "sops-file": {"kustomization.yaml": "secretGenerator:\n- name: db\n  files: [a.json]\n", "a.json": f'{{"user": "{SOPS}", "password": "hunter2canary", "sops": {{"mac": "{SOPS}"}}}}'},
}  # fmt: skip

HARMLESS: dict[str, dict[str, str]] = {
    "sops": {"s.yaml": SECRET + "data:\n  p: ENC[AES256_GCM,data:xx,iv:yy,tag:zz,type:str]\nsops:\n  mac: ENC[x]\n  version: 3.9.0\n"},
    "sops-json": {"s.json": '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"p":"ENC[AES256_GCM,data:xx,iv:yy,tag:zz,type:str]"},"sops":{"mac":"ENC[x]","version":"3.9"}}'},
    "sops-env": {"kustomization.yaml": "secretGenerator:\n- name: db\n  envs: [db.env]\n", "db.env": "P=ENC[AES256_GCM,data:xx,iv:yy,tag:zz,type:str]\nsops_version=3.9.0\n"},
    "sops-file": {"kustomization.yaml": "secretGenerator:\n- name: db\n  files: [a.yaml, b]\n", "a.yaml": f"user: app\npassword: {SOPS}\nsops:\n  age:\n  - recipient: age1x\n    enc: |\n      -----BEGIN AGE ENCRYPTED FILE-----\n      YWdl\n      -----END AGE ENCRYPTED FILE-----\n  mac: {SOPS}\n  version: 3.9.0\n", "b": f'{{"data": "{SOPS}", "sops": {{"mac": "{SOPS}"}}}}'},
    "external-secret": {"s.yaml": "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a}\nspec:\n  secretStoreRef: {name: vault}\n  target: {name: db, template: {data: {password: '{{ .p }}'}}}\n  data: [{secretKey: password, remoteRef: {key: db/password}}]\n"},
    "empty-data": {"s.yaml": SECRET + "data: {}\n"},
    "no-data": {"s.yaml": SECRET + "type: Opaque\n"},
    "empty-value": {"s.yaml": SECRET + 'stringData: {password: ""}\n'},
    "token": {"s.yaml": SECRET + "type: kubernetes.io/service-account-token\n"},
    "placeholder": {"s.yaml": SECRET + "stringData:\n  password: ${DB_PASSWORD}\n  url: postgres://app:${DB_PASSWORD}@db/app\n"},
    "placeholder-default": {"s.yaml": SECRET + "stringData: {password: '${DB_PASSWORD:=}'}\n"},
    "other-group": {"s.yaml": "apiVersion: secrets.hashicorp.com/v1\nkind: Secret\nmetadata: {name: a}\ndata: {path: kv/db}\n"},
    "crossplane": {"s.yaml": "apiVersion: secretsmanager.aws.upbound.io/v1\nkind: Secret\nmetadata: {name: a}\nstringData: {x: y}\n"},
    "markdown": {"README.md": "```yaml\n" + SECRET + "stringData: {password: hunter2}\n```\n"},
    "secret-store": {"s.yaml": "apiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata: {name: a}\nspec: {provider: {azurekv: {authSecretRef: {clientId: {name: a, key: id}}}}}\n"},
    "deployment": {"d.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n      containers:\n      - env:\n        - name: PASSWORD\n          valueFrom: {secretKeyRef: {name: db, key: password, optional: true}}\n"},
    "helm-references": {"values.yaml": "auth:\n  existingSecret: db\n  secretKeys: {adminPasswordKey: postgres-password, userPasswordKey: password}\n  passwordSecret: db\n  usePasswordFiles: true\n  password: ''\n  token: ${TOKEN}\nimagePullSecrets: [regcred]\ntls: {secretName: tls}\nserviceAccount: {automountServiceAccountToken: false}\ntokenExpiry: 3600s\nsecretKey: password\n"},
    "helmrelease": {"r.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n  valuesFrom: [{kind: Secret, name: db, optional: true}]\n  values:\n    auth: {existingSecret: db, database: app}\n    ingress: {tls: [{secretName: a-tls}]}\n"},
    "substitute": {"k.yaml": FLUX_KUSTOMIZATION.replace("db_password: hunter2canary", "secret_name: db\n      token_ttl: 1h")},
    "generator-placeholder": {"kustomization.yaml": LITERALS.replace("hunter2canary", "${PASSWORD}")},
    "generator-certificate": {"kustomization.yaml": "secretGenerator:\n- name: ca\n  files: [ca.crt]\n", "ca.crt": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"},
    "sealed-template": {"s.yaml": "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec:\n  encryptedData: {}\n  template:\n    metadata: {name: a, namespace: b, annotations: {reloader.stakater.com/match: \"true\"}}\n    data:\n      app.conf: |\n        host = db\n        password = {{ .password }}\n        url = postgres://app:{{ .password }}@db/app\n      mode: production\n"},
    "chart-template": {"templates/s.yaml": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  password: {{ .Values.password | b64enc }}\n"},
    "rbac": {"r.yaml": "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\nrules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]\n"},
    "other-json": {"package.json": '{"name": "x", "scripts": {"kind": "Secret"}, "dependencies": {"secret": "1.0.0"}}'},
}  # fmt: skip
