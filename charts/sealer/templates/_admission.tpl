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

{{- define "sealer.cagePolicy" -}}
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
