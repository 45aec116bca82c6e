{{/* The controller's arguments; only what differs from its own defaults is said. */}}
{{- define "sealer.args" -}}
{{- $v := .Values -}}
{{- $args := list (printf "--key-prefix=%s" $v.secretName) -}}
{{- range $flag, $value := dict
  "key-size" $v.keySize
  "key-ttl" $v.keyttl
  "key-renew-period" $v.keyrenewperiod
  "key-cutoff-time" $v.keycutofftime
  "key-order-priority" $v.keyOrderPriority
  "my-cn" $v.keyCommonName
  "privatekey-annotations" (include "sealer.pairs" $v.privateKeyAnnotations)
  "privatekey-labels" (include "sealer.pairs" $v.privateKeyLabels)
  "additional-namespaces" (join "," $v.additionalNamespaces)
  "label-selector" $v.labelSelector
  "max-unseal-retries" $v.maxRetries
  "workers" $v.workers
  "kubeclient-qps" $v.kubeClientQPS
  "kubeclient-burst" $v.kubeClientBurst
  "rate-limit" $v.rateLimit
  "rate-limit-burst" $v.rateLimitBurst
  "read-timeout" $v.readTimeout
  "write-timeout" $v.writeTimeout
  "log-level" $v.logLevel
  "log-format" $v.logFormat
-}}
{{- if ne ($value | toString) "" -}}
{{- $args = append $args (printf "--%s=%s" $flag ($value | toString)) -}}
{{- end -}}
{{- end -}}
{{- $args = append $args (printf "--drift=%s" $v.drift) -}}
{{- if ne $v.adoptedKeys "seal" -}}
{{- $args = append $args (printf "--adopted-keys=%s" $v.adoptedKeys) -}}
{{- end -}}
{{- range $flag, $value := dict
  "generate-key" (list $v.generateKey true)
  "all-namespaces" (list $v.allNamespaces true)
  "update-status" (list $v.updateStatus true)
  "skip-recreate" (list $v.skipRecreate false)
  "recreate-immutable" (list $v.recreateImmutable false)
  "old-gc-behavior" (list $v.oldGcBehavior false)
  "allow-service-account-tokens" (list $v.allowServiceAccountTokens false)
  "log-info-stdout" (list $v.logInfoStdout false)
  "metrics-omit-secret-labels" (list $v.metrics.omitSecretLabels false)
  "page" (list $v.page.enabled false)
  "key-vault" (list $v.keyVault.enabled false)
  "vault-service-account-label" (list (or $v.keyVault.serviceAccountLabel (not $v.keyVault.enabled)) true)
-}}
{{- if ne (first $value) (last $value) -}}
{{- $args = append $args (printf "--%s=%t" $flag (first $value)) -}}
{{- end -}}
{{- end -}}
{{- if and $v.keyVault.enabled $v.keyVault.vaultSuffixes -}}
{{- $args = append $args (printf "--vault-suffixes=%s" (join "," $v.keyVault.vaultSuffixes)) -}}
{{- end -}}
{{- if and $v.page.enabled $v.page.clusterName -}}
{{- $args = append $args (printf "--page-cluster-name=%s" $v.page.clusterName) -}}
{{- end -}}
{{- if $v.authentication.enabled -}}
{{- $args = append $args "--authenticate=true" -}}
{{- with $v.authentication.trustedProxies -}}
{{- $args = append $args (printf "--trusted-proxies=%s" (join "," .)) -}}
{{- end -}}
{{- end -}}
{{- if $v.notifications.receivers -}}
{{- $args = append $args "--notify-config=/etc/sealer/notify/notify.json" -}}
{{- end -}}
{{- $args = append $args (printf "--listen-addr=:%d" (int $v.containerPorts.http)) -}}
{{- $args = append $args (printf "--listen-metrics-addr=:%d" (int $v.containerPorts.metrics)) -}}
{{- if $v.tls.secretName -}}
{{- $args = append $args (printf "--listen-tls-addr=:%d" (int $v.containerPorts.https)) -}}
{{- $args = concat $args (list "--tls-cert-file=/etc/sealer/tls/tls.crt" "--tls-key-file=/etc/sealer/tls/tls.key") -}}
{{- end -}}
{{- toYaml (concat $args $v.extraArgs) -}}
{{- end -}}
