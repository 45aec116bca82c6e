{{/* Whether the API server has ValidatingAdmissionPolicy v1 (Kubernetes 1.30), as a non-empty string. */}}
{{- define "sealer.hasPolicies" -}}
{{- if .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy" -}}true{{- end -}}
{{- end -}}

{{- define "sealer.caged" -}}
{{- if and .Values.createController .Values.admission.cage.enabled (include "sealer.hasPolicies" .) -}}true{{- end -}}
{{- end -}}

{{/* A policy's name: other than roles, it may hold no colon. */}}
{{- define "sealer.policyName" -}}
{{- printf "%s.%s.%s" (include "sealer.namespace" .context) (include "sealer.fullname" .context) .policy -}}
{{- end -}}

{{- define "sealer.username" -}}
{{- printf "system:serviceaccount:%s:%s" (include "sealer.namespace" .) (include "sealer.serviceAccountName" .) -}}
{{- end -}}

{{/* Metadata of a policy or its binding, and the binding: (dict "context" $ "policy" "cage-x" "actions" (list "Deny")). */}}
{{- define "sealer.policyBinding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  {{- include "sealer.metadata" (dict "context" .context "name" (include "sealer.policyName" .) "clusterScoped" true) | nindent 2 }}
spec:
  policyName: {{ include "sealer.policyName" . }}
  validationActions: {{ toJson .actions }}
  {{- with .selector }}
  matchResources:
    namespaceSelector:
      {{- toYaml . | nindent 6 }}
  {{- end }}
{{- end -}}

{{- define "sealer.policy" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  {{- include "sealer.metadata" (dict "context" .context "name" (include "sealer.policyName" .) "clusterScoped" true) | nindent 2 }}
{{- end -}}

{{/* Who is held: our own account, and nobody else. */}}
{{- define "sealer.cageMatch" -}}
- name: our-own-account
  expression: {{ printf "request.userInfo.username == '%s'" (include "sealer.username" .) | quote }}
{{- end -}}

{{/* What the controller may write at all, as a CEL list of group/resource. */}}
{{- define "sealer.cageWrites" -}}
{{- $writes := list "/secrets" "/events" -}}
{{- if .Values.updateStatus -}}
{{- $writes = append $writes "bitnami.com/sealedsecrets/status" -}}
{{- end -}}
{{- if .Values.keyVault.enabled -}}
{{- $writes = concat $writes (list "/serviceaccounts/token" "keyvault.sealer.dev/keyvaults/status" "keyvault.sealer.dev/clusterkeyvaults/status" "keyvault.sealer.dev/keyvaultsecrets/status") -}}
{{- end -}}
{{- toJson $writes -}}
{{- end -}}

{{- define "sealer.gated" -}}
{{- if and (ne .Values.admission.gate.mode "off") (include "sealer.hasPolicies" .) -}}true{{- end -}}
{{- end -}}

{{/* What a binding of the gate does: warn, audit, deny. */}}
{{- define "sealer.gateActions" -}}
{{- list (.Values.admission.gate.mode | title) | toJson -}}
{{- end -}}

{{/* Which namespaces the gate is about, as a label selector. */}}
{{- define "sealer.gateSelector" -}}
{{- if eq .Values.admission.gate.namespaces "all" -}}
matchExpressions:
  - {key: sealer.dev/gate, operator: NotIn, values: ["exempt"]}
{{- else -}}
matchLabels:
  sealer.dev/gate: enforce
{{- end -}}
{{- end -}}

{{/* Who may write Secrets in clear, as one CEL expression. */}}
{{- define "sealer.gateAllowed" -}}
{{- $or := list -}}
{{- /* Kubernetes itself, cert-manager and Flux, by their namespaces; our own controller. */ -}}
{{- range list "system:serviceaccounts:kube-system" "system:nodes" "system:serviceaccounts:cert-manager" "system:serviceaccounts:flux-system" -}}
{{- $or = append $or (printf "'%s' in request.userInfo.?groups.orValue([])" .) -}}
{{- end -}}
{{- $entries := list
  (dict "account" "system:kube-controller-manager")
  (dict "account" "system:cloud-controller-manager")
  (dict "account" "system:apiserver")
  (dict "account" (include "sealer.username" .))
  (dict "account" "system:serviceaccount:*" "fieldManager" "kustomize-controller")
  (dict "account" "system:serviceaccount:*" "fieldManager" "helm-controller")
  (dict "fieldManager" "helm")
-}}
{{- range concat $entries .Values.admission.gate.allow -}}
{{- $and := list -}}
{{- with .account -}}
{{- if hasSuffix "*" . -}}
{{- $and = append $and (printf "request.userInfo.username.startsWith('%s')" (trimSuffix "*" .)) -}}
{{- else -}}
{{- $and = append $and (printf "request.userInfo.username == '%s'" .) -}}
{{- end -}}
{{- end -}}
{{- with .fieldManager -}}
{{- $and = append $and (printf "request.?options.?fieldManager.orValue('') == '%s'" .) -}}
{{- end -}}
{{- $or = append $or (printf "(%s)" (join " && " $and)) -}}
{{- end -}}
{{- join " || " $or -}}
{{- end -}}
