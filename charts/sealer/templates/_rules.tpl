{{/*
What the controller may do in each namespace that it watches. Every rule says which feature needs
it; tests take each right away in turn and see that feature fail.
*/}}
{{- define "sealer.rules" -}}
# Unsealing: see SealedSecrets come and change.
- apiGroups: ["bitnami.com"]
  resources: ["sealedsecrets"]
  verbs: ["get", "list", "watch"]
{{- if .Values.updateStatus }}
# updateStatus: tell the outcome.
- apiGroups: ["bitnami.com"]
  resources: ["sealedsecrets/status"]
  verbs: ["patch"]
{{- end }}
# Unsealing: look at the Secret that is there, make it, bring it up to date.
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["get", "create", "update"]
{{- if not .Values.skipRecreate }}
# Drift (off with skipRecreate): hear of Secrets that are edited or deleted; only their metadata is
# asked for. The sealing keys of the controller's own namespace are found the same way.
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["list", "watch"]
{{- end }}
{{- if or .Values.recreateImmutable .Values.oldGcBehavior }}
# recreateImmutable, oldGcBehavior: delete what cannot be updated, or what nothing owns any more.
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["delete"]
{{- end }}
# Events on SealedSecrets and sealing keys.
- apiGroups: [""]
  resources: ["events"]
  verbs: ["create"]
{{- if .Values.notifications.receivers }}
# notifications: tell which Git revision Flux had applied.
- apiGroups: ["kustomize.toolkit.fluxcd.io"]
  resources: ["kustomizations"]
  verbs: ["get"]
- apiGroups: ["helm.toolkit.fluxcd.io"]
  resources: ["helmreleases"]
  verbs: ["get"]
{{- end }}
{{- if .Values.keyVault.enabled }}
{{ include "sealer.keyVaultRules" . }}
{{- end }}
{{- end -}}

{{/* What Key Vault syncing needs besides, in each namespace that the controller watches. */}}
{{- define "sealer.keyVaultRules" -}}
# keyVault: see vaults and what is wanted of them.
- apiGroups: ["keyvault.sealer.dev"]
  resources: ["keyvaults", "keyvaultsecrets"]
  verbs: ["list", "watch"]
# keyVault: tell the outcome.
- apiGroups: ["keyvault.sealer.dev"]
  resources: ["keyvaults/status", "keyvaultsecrets/status"]
  verbs: ["patch"]
# keyVault: server-side apply of the Secrets, deletion with onVaultDelete: DeleteSecret.
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["patch", "delete"]
# keyVault: read the identity that a service account is annotated with.
- apiGroups: [""]
  resources: ["serviceaccounts"]
  verbs: ["get"]
{{- if kindIs "invalid" .Values.keyVault.serviceAccounts }}
{{- fail "keyVault.serviceAccounts must be set: the service accounts, as namespace/name, whose tokens the controller may request to act as them at Microsoft Entra; [] for none, [\"*\"] for any of any namespace, which makes the controller's own token worth as much as the mightiest of them" }}
{{- end }}
{{- if has "*" .Values.keyVault.serviceAccounts }}
# keyVault: act as any service account, at Microsoft Entra and at the API server, too;
# keyVault.serviceAccounts narrows it.
- apiGroups: [""]
  resources: ["serviceaccounts/token"]
  verbs: ["create"]
{{- end }}
{{- end -}}

{{/* What is cluster-scoped, and so cannot be had in named namespaces. */}}
{{- define "sealer.clusterScopedRules" -}}
# keyVault: vaults for several namespaces.
- apiGroups: ["keyvault.sealer.dev"]
  resources: ["clusterkeyvaults"]
  verbs: ["list", "watch"]
- apiGroups: ["keyvault.sealer.dev"]
  resources: ["clusterkeyvaults/status"]
  verbs: ["patch"]
# keyVault: read the labels that a ClusterKeyVault's namespaceSelector chooses by.
- apiGroups: [""]
  resources: ["namespaces"]
  verbs: ["get"]
{{- end -}}

{{- define "sealer.serviceAccountSubject" -}}
- kind: ServiceAccount
  name: {{ include "sealer.serviceAccountName" . }}
  namespace: {{ include "sealer.namespace" . }}
{{- end -}}
