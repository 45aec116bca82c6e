"""Manifests of other Key Vault syncers, as their documentation has people write them."""

EXTERNAL_SECRET = """\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: azure, kind: ClusterSecretStore}
  target:
    name: db
    deletionPolicy: Delete
    template:
      type: kubernetes.io/basic-auth
      data: {username: app, password: "{{ .pw }}"}
  data:
    - secretKey: pw
      remoteRef: {key: secret/db-password, property: a.b}
    - secretKey: crt
      remoteRef: {key: cert/tls}
  dataFrom:
    - find: {name: {regexp: "^feature-"}}
    - extract: {key: app-json}
"""

STORE = """\
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: azure}
spec:
  provider:
    azurekv:
      vaultUrl: https://shop.vault.azure.net/
      authType: WorkloadIdentity
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: principal, namespace: shop}
spec:
  provider:
    azurekv:
      tenantId: 22222222-2222-2222-2222-222222222222
      vaultUrl: https://shop.vault.azure.net
      authSecretRef:
        clientId: {name: azure, key: id}
        clientSecret: {name: azure, key: secret}
"""

CSI = """\
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: {name: shop, namespace: shop}
spec:
  provider: azure
  parameters:
    keyvaultName: shop
    cloudName: AzureUSGovernmentCloud
    clientID: 11111111-1111-1111-1111-111111111111
    tenantId: 22222222-2222-2222-2222-222222222222
    objects: |
      array:
        - |
          objectName: db-password
          objectType: secret
          objectAlias: DB
        - |
          objectName: shop-tls
          objectType: secret
  secretObjects:
    - secretName: app
      type: Opaque
      data:
        - {objectName: DB, key: password}
    - secretName: shop-tls
      type: kubernetes.io/tls
      data:
        - {objectName: shop-tls, key: tls.crt}
        - {objectName: shop-tls, key: tls.key}
"""

AKV2K8S = """\
apiVersion: spv.no/v1
kind: AzureKeyVaultSecret
metadata: {name: db, namespace: shop}
spec:
  vault:
    name: shop
    object: {name: db-password, type: secret}
  output:
    transform: [base64decode, trim]
    secret: {name: db, dataKey: password}
"""
