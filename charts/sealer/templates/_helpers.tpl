{{/*
The name in labels. "sealed-secrets" and not the chart's: a Deployment's selector cannot change, and
the Bitnami chart's is this, so `helm upgrade` can go from either chart to the other.
*/}}
{{- define "sealer.name" -}}
{{- .Values.nameOverride | default "sealed-secrets" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "sealer.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "sealer.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "sealer.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "sealer.namespace" -}}
{{- .Values.namespace | default .Release.Namespace -}}
{{- end -}}

{{- define "sealer.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "sealer.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* Cluster-scoped objects carry the namespace in their name: two releases never share one. */}}
{{- define "sealer.clusterName" -}}
{{- printf "%s:%s" (include "sealer.namespace" .) (include "sealer.fullname" .) -}}
{{- end -}}

{{- define "sealer.clusterRoleName" -}}
{{- .Values.rbac.clusterRoleName | default (include "sealer.clusterName" .) -}}
{{- end -}}

{{- define "sealer.namespacedRolesName" -}}
{{- .Values.rbac.namespacedRolesName | default (include "sealer.fullname" .) -}}
{{- end -}}

{{- define "sealer.matchLabels" -}}
app.kubernetes.io/name: {{ include "sealer.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* The metadata that every object has; call it with (dict "context" $ "labels" {} "annotations" {}). */}}
{{- define "sealer.labels" -}}
{{- $own := dict
  "app.kubernetes.io/name" (include "sealer.name" .context)
  "app.kubernetes.io/instance" .context.Release.Name
  "app.kubernetes.io/version" (.context.Chart.AppVersion | toString)
  "app.kubernetes.io/managed-by" .context.Release.Service
  "app.kubernetes.io/part-of" "sealer"
  "helm.sh/chart" (printf "%s-%s" .context.Chart.Name .context.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
-}}
{{- $common := include "sealer.render" (dict "value" .context.Values.commonLabels "context" .context) | fromYaml -}}
{{- toYaml (mergeOverwrite (dict) $common (.labels | default dict) $own) -}}
{{- end -}}

{{- define "sealer.annotations" -}}
{{- $common := include "sealer.render" (dict "value" .context.Values.commonAnnotations "context" .context) | fromYaml -}}
{{- $all := mergeOverwrite (dict) $common (.annotations | default dict) -}}
{{- if $all -}}
{{- toYaml $all -}}
{{- end -}}
{{- end -}}

{{/* name, namespace, labels and annotations: (dict "context" $ "name" "" "namespace" "" "labels" {} "annotations" {}). */}}
{{- define "sealer.metadata" -}}
name: {{ .name | default (include "sealer.fullname" .context) }}
{{- if not .clusterScoped }}
namespace: {{ .namespace | default (include "sealer.namespace" .context) }}
{{- end }}
labels:
  {{- include "sealer.labels" . | nindent 2 }}
{{- with include "sealer.annotations" . }}
annotations:
  {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A value that may contain templates, as YAML. */}}
{{- define "sealer.render" -}}
{{- if kindIs "string" .value -}}
{{- tpl .value .context -}}
{{- else -}}
{{- tpl (.value | toYaml) .context -}}
{{- end -}}
{{- end -}}

{{- define "sealer.image" -}}
{{- $name := .Values.image.repository -}}
{{- with .Values.image.registry }}{{ $name = printf "%s/%s" . $name }}{{ end -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $name .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (.Values.image.tag | default .Chart.AppVersion | toString) -}}
{{- end -}}
{{- end -}}

{{/* {a: b, c: d} as a=b,c=d, which is how the flags take it. */}}
{{- define "sealer.pairs" -}}
{{- $pairs := list -}}
{{- range $key, $value := . -}}
{{- $pairs = append $pairs (printf "%s=%s" $key $value) -}}
{{- end -}}
{{- join "," $pairs -}}
{{- end -}}

{{/* The subjects of a binding: a list, or text as the Bitnami chart takes it. */}}
{{- define "sealer.subjects" -}}
{{- include "sealer.render" . -}}
{{- end -}}

{{/* Whether the rights are limited to named namespaces, as a non-empty string. */}}
{{- define "sealer.namespaced" -}}
{{- if and .Values.rbac.namespacedRoles (not .Values.rbac.clusterRole) -}}
{{- if and .Values.allNamespaces (not .Values.additionalNamespaces) -}}
{{- fail "rbac.clusterRole is false and rbac.namespacedRoles true, so the controller may not watch all namespaces: name them in additionalNamespaces, or set allNamespaces to false for its own alone" -}}
{{- end -}}
true
{{- end -}}
{{- end -}}

{{/* Every namespace that the controller watches when it does not watch all, as a YAML list. */}}
{{- define "sealer.watchedNamespaces" -}}
{{- $names := list (include "sealer.namespace" .) -}}
{{- range .Values.additionalNamespaces -}}
{{- $names = append $names (trim .) -}}
{{- end -}}
{{- toYaml (uniq $names) -}}
{{- end -}}

{{/* A Go duration of hours, minutes and seconds in seconds. */}}
{{- define "sealer.seconds" -}}
{{- $sum := 0.0 -}}
{{- range $unit, $factor := dict "h" 3600 "m" 60 "s" 1 -}}
{{- with regexFind (printf "[0-9.]+%s" $unit) $ -}}
{{- $sum = addf $sum (mulf (trimSuffix $unit . | float64) $factor) -}}
{{- end -}}
{{- end -}}
{{- $sum -}}
{{- end -}}

{{/* What the proxy is not for: Kubernetes puts the API server's address in the place of $(...). */}}
{{- define "sealer.noProxy" -}}
{{- $own := list "$(KUBERNETES_SERVICE_HOST)" "localhost" "127.0.0.1" "169.254.169.254" ".svc" ".cluster.local" -}}
{{- join "," (concat $own .Values.proxy.noProxy) -}}
{{- end -}}

{{/* Ports of outgoing HTTPS, as a YAML list: vaults, Entra and chat channels, and the proxy. */}}
{{- define "sealer.outgoingPorts" -}}
{{- $ports := list -}}
{{- if or .Values.keyVault.enabled .Values.notifications.receivers -}}
{{- $ports = append $ports 443 -}}
{{- end -}}
{{- if .Values.keyVault.enabled -}}
{{- range .Values.keyVault.vaultSuffixes -}}
{{- with regexFind ":[0-9]+$" . }}{{ $ports = append $ports (trimPrefix ":" . | int) }}{{ end -}}
{{- end -}}
{{- with regexFind ":[0-9]+/?$" .Values.keyVault.authorityHost }}{{ $ports = append $ports (trimAll ":/" . | int) }}{{ end -}}
{{- end -}}
{{- with .Values.proxy.url -}}
{{- $default := ternary 443 80 (hasPrefix "https:" .) -}}
{{- $ports = append $ports (regexFind ":[0-9]+/?$" . | trimAll ":/" | default $default | int) -}}
{{- end -}}
{{- toYaml (uniq $ports | sortAlpha) -}}
{{- end -}}
