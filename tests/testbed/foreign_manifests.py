"""Manifests of other Key Vault syncers, one feature at a time; all of them can be converted."""

from tests.testbed.vault_manifests import AKV2K8S, CSI, EXTERNAL_SECRET, STORE

VERSION = "0123456789abcdef0123456789abcdef"
CLIENT = "11111111-1111-1111-1111-111111111111"


def external(body: str, metadata: str = "{name: app, namespace: shop}") -> str:
    """An ExternalSecret with this spec."""
    head = (
        f"apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {metadata}\nspec:\n"
    )
    return f"{head}  secretStoreRef: {{name: azure}}\n{body}"


def store(body: str, kind: str = "SecretStore", spec: str = "") -> str:
    """A store of a vault called shop, with this in ``azurekv``."""
    space = ", namespace: shop" if kind == "SecretStore" else ""
    return (
        f"apiVersion: external-secrets.io/v1\nkind: {kind}\nmetadata: {{name: azure{space}}}\n"
        f"spec:\n  provider:\n    azurekv:\n      vaultUrl: https://shop.vault.azure.net\n"
        f"{body}{spec}"
    )


def provider(
    objects: str, secrets: str = "", parameters: str = "", name: str = "shop", space: str = "shop"
) -> str:
    """A SecretProviderClass with these objects, each a line of flow YAML."""
    head = (
        "apiVersion: secrets-store.csi.x-k8s.io/v1\nkind: SecretProviderClass\n"
        f"metadata: {{name: {name}, namespace: {space}, labels: {{of: {name}}}}}\n"
        f"spec:\n  provider: azure\n  parameters:\n    keyvaultName: Shop\n{parameters}"
    )
    items = "".join(f"        - |\n          {line}\n" for line in objects.splitlines())
    wanted = f"  secretObjects:\n{secrets}" if secrets else ""
    return f"{head}    objects: |\n      array:\n{items}{wanted}"


def akv(item: str, output: str, name: str = "app", vault: str = "shop") -> str:
    """An AzureKeyVaultSecret."""
    return (
        "apiVersion: spv.no/v2beta1\nkind: AzureKeyVaultSecret\n"
        f"metadata: {{name: {name}, namespace: shop}}\n"
        f"spec:\n  vault: {{name: {vault}, object: {item}}}\n  output: {output}\n"
    )


PFX = external("""\
  target:
    template:
      type: kubernetes.io/tls
      engineVersion: v2
      data:
        tls.crt: "{{ .pfx | b64dec | pkcs12cert }}"
        tls.key: "{{ .pfx | b64dec | pkcs12key }}"
  data:
    - secretKey: pfx
      remoteRef: {key: secret/shop-tls, version: 0123456789abcdef0123456789abcdef}
""")
PEM = external("""\
  target:
    template:
      type: kubernetes.io/tls
      mergePolicy: Merge
      data:
        tls.crt: '{{ .pem | filterPEM "CERTIFICATE" }}'
        tls.key: '{{ .pem | filterPEM "PRIVATE KEY" }}'
  data: [{secretKey: pem, remoteRef: {key: shop-tls}}]
""")
RENAMED = external("""\
  dataFrom:
    - find: {name: {regexp: "^app-"}, tags: {env: prod}}
      rewrite:
        - regexp: {source: "^app-(.*)$", target: "$1"}
        - regexp: {source: "-", target: "_"}
        - transform: {template: "{{ .value | upper }}"}
    - find: {name: {regexp: "key$"}}
      rewrite:
        - regexp: {source: "(a)-(b)", target: "${2}.$1"}
    - find: {tags: {env: prod}}
    - find: {name: {regexp: ".*"}, path: /x, conversionStrategy: Unicode}
""")
SAME_NAME = external("""\
  target:
    template:
      data: {AUTH: "Bearer {{ .AUTH }}", URL: "https://{{ .AUTH }}@shop"}
  data: [{secretKey: AUTH, remoteRef: {key: auth}}, {secretKey: raw, remoteRef: {key: raw}}]
""")
LOST = external("""\
  target:
    creationPolicy: None
    deletionPolicy: Merge
    template:
      metadata: {labels: {a: b}, finalizers: [shop.example/a]}
      templateFrom:
        - {target: Data, literal: "a: b"}
        - configMap: {name: texts, items: [{key: t, templateAs: Values}]}
  data:
    - {secretKey: tags, remoteRef: {key: db, metadataPolicy: Fetch}}
    - {secretKey: jwk, remoteRef: {key: key/sign, property: kty, conversionStrategy: Default}}
    - {secretKey: deep, remoteRef: {key: json, property: 'a\\.b.0', decodingStrategy: Base64URL}}
    - {secretKey: guess, remoteRef: {key: json, property: "a.#", decodingStrategy: Auto}}
  dataFrom:
    - extract: {key: json, property: a}
    - extract: {key: cert/shop}
    - extract: {key: more, version: 0123456789abcdef0123456789abcdef, decodingStrategy: Base64}
      rewrite: [{merge: {strategy: JSON, into: x}}]
    - sourceRef: {generatorRef: {kind: Password, name: pw}}
""")
TWO_STORES = external("""\
  refreshInterval: 10m
  data:
    - {secretKey: a, remoteRef: {key: a}}
    - secretKey: b
      remoteRef: {key: b}
      sourceRef: {storeRef: {name: other, kind: ClusterSecretStore}}
""")
OLD = """\
apiVersion: external-secrets.io/v1alpha1
kind: ExternalSecret
metadata:
  name: app
  labels: {app: shop, app.kubernetes.io/instance: argo}
  annotations: {argocd.argoproj.io/sync-wave: "1", team: x}
spec:
  refreshInterval: 0
  secretStoreRef: {name: azure, kind: SecretStore}
  dataFrom: [{key: app-json}]
"""
EVERYWHERE = """\
apiVersion: external-secrets.io/v1
kind: ClusterExternalSecret
metadata: {name: pull}
spec:
  externalSecretName: pull-secret
  namespaces: [a, b]
  namespaceSelectors: [{matchLabels: {pull: "yes"}}]
  externalSecretMetadata: {labels: {of: pull}}
  refreshTime: 1m
  externalSecretSpec:
    secretStoreRef: {name: azure, kind: ClusterSecretStore}
    data: [{secretKey: .dockerconfigjson, remoteRef: {key: registry}}]
"""
NODE = store("""\
      authType: ManagedIdentity
      identityId: /subscriptions/x/resourcegroups/y/userAssignedIdentities/z
      environmentType: PublicCloud
  refreshInterval: 3600
""")
REGEXES = store(
    "      authType: WorkloadIdentity\n      serviceAccountRef: {name: eso}\n",
    "ClusterSecretStore",
    '  conditions: [{namespaceRegexes: ["team-.*"]}]\n',
)
PRINCIPAL = store(
    """\
      tenantId: 22222222-2222-2222-2222-222222222222
      authSecretRef:
        clientId: {name: azure, key: id}
        clientCertificate: {name: azure, key: crt}
""",
    "ClusterSecretStore",
)
IDENTITY_IN_SECRET = store("""\
      authType: WorkloadIdentity
      serviceAccountRef: {name: shop, audiences: [x]}
      authSecretRef: {clientId: {name: azure, key: id}, tenantId: {name: azure, key: tenant}}
      customCloudConfig: {activeDirectoryEndpoint: https://login.example}
      useAzureSDK: true
""")
TLS = provider(
    f"""\
{{objectName: site, objectType: cert, objectAlias: site-crt}}
{{objectName: site, objectType: secret, objectAlias: site-key, objectVersion: {VERSION}}}
{{objectName: site, objectType: secret, objectAlias: site-pem}}
{{objectName: other, objectType: secret}}
{{objectName: pub, objectType: key}}""",
    """\
    - secretName: pair
      type: kubernetes.io/tls
      data:
        - {objectName: site-pem, key: tls.crt}
        - {objectName: site-pem, key: tls.key}
        - {objectName: pub, key: pub.pem}
    - secretName: leaf
      type: kubernetes.io/tls
      data: [{objectName: site-crt, key: tls.crt}, {objectName: site-pem, key: tls.key}]
    - secretName: two
      type: kubernetes.io/tls
      data: [{objectName: site-crt, key: tls.crt}, {objectName: site-key, key: tls.key}]
    - secretName: none
      data: [{objectName: nowhere, key: a}]
""",
    f"    clientID: {CLIENT}\n    odd: x\n",
)
FILES = provider(
    f"""\
{{objectName: p, objectFormat: pfx, objectEncoding: base64, objectVersion: {VERSION}}}
{{objectName: q, objectType: secret, objectFormat: pfx, objectAlias: text.pfx}}
{{objectName: r, objectType: secret, objectFormat: pem}}
{{objectName: s, objectEncoding: hex, objectVersionHistory: 3, filePermission: 0644}}"""
)
NODE_A = provider(
    "{objectName: a, objectType: secret}",
    parameters=f'    useVMManagedIdentity: "true"\n    userAssignedIdentityID: {CLIENT}\n',
)
NODE_B = NODE_A.replace("name: shop, namespace: shop", "name: mail, namespace: mail")
ANOTHER = NODE_A.replace(CLIENT, CLIENT.replace("1", "3")).replace("name: shop, ", "name: odd, ")
TOGETHER = "---\n".join(
    (
        akv("{name: a, type: secret}", "{secret: {name: both, dataKey: A}}", "one", "MyKV"),
        akv("{name: b, type: secret}", "{secret: {name: both, dataKey: B}}", "two", "MyKV"),
        akv("{name: c, type: secret}", "{secret: {name: both, dataKey: C}}", "three", "other"),
    )
)
TYPES = "---\n".join(
    (
        akv("{name: a, type: secret}", "{secret: {name: a, type: kubernetes.io/basic-auth}}", "a"),
        akv(
            "{name: b, type: secret}",
            "{secret: {name: b, type: kubernetes.io/dockerconfigjson}}",
            "b",
        ),
        akv("{name: c, type: secret}", "{secret: {name: c, type: kubernetes.io/ssh-auth}}", "c"),
        akv("{name: d, type: secret}", "{secret: {name: d, type: kubernetes.io/tls}}", "d"),
        akv("{name: e, type: certificate}", "{secret: {name: e, dataKey: crt}}", "e"),
        akv(
            "{name: f, type: certificate}",
            "{secret: {name: f, type: kubernetes.io/tls, chainOrder: ensureserverfirst}}",
            "f",
        ),
        akv(
            "{name: g, type: multi-key-value-secret, contentType: application/x-yaml, "
            f"version: {VERSION}}}",
            "{secret: {name: g}}",
            "g",
        ),
        akv("{name: h, type: key}", "{configMap: {name: h, dataKey: modulus}}", "h"),
        akv(
            "{name: i, type: secret}",
            "{transform: [base64decode, trim], secret: {name: i, dataKey: v}}",
            "i",
        ),
        akv("{name: j, type: certificate}", "{secret: {name: j, type: Opaque, dataKey: p}}", "j"),
    )
)

ALL = {
    "external-secret": EXTERNAL_SECRET,
    "stores": STORE,
    "class": CSI,
    "akv2k8s": AKV2K8S,
    "pfx": PFX,
    "pem": PEM,
    "renamed": RENAMED,
    "same-name": SAME_NAME,
    "lost": LOST,
    "two-stores": TWO_STORES,
    "old": OLD,
    "everywhere": EVERYWHERE,
    "node": NODE,
    "regexes": REGEXES,
    "principal": PRINCIPAL,
    "identity-in-secret": IDENTITY_IN_SECRET,
    "tls": TLS,
    "files": FILES,
    "node-classes": f"{NODE_A}---\n{NODE_B}---\n{ANOTHER}",
    "together": TOGETHER,
    "types": TYPES,
}
