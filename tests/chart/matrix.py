"""Sets of values that together switch every feature of the chart."""

from __future__ import annotations

from typing import Any

SPREAD = {
    "maxSkew": 1,
    "topologyKey": "topology.kubernetes.io/zone",
    "whenUnsatisfiable": "ScheduleAnyway",
}
SUBJECT = {"kind": "Group", "name": "developers", "apiGroup": "rbac.authorization.k8s.io"}

MATRIX: dict[str, dict[str, Any]] = {
    "defaults": {},
    "only-crds": {"createController": False},
    "named-namespaces": {
        "rbac": {"clusterRole": False, "namespacedRoles": True},
        "additionalNamespaces": ["default", " default "],
    },
    "own-namespace": {
        "rbac": {"clusterRole": False, "namespacedRoles": True},
        "allNamespaces": False,
    },
    "no-drift": {"skipRecreate": True, "drift": "ignore", "updateStatus": False},
    "deleting": {"recreateImmutable": True, "oldGcBehavior": True},
    "page": {
        "page": {"enabled": True, "clusterName": "the shop's, in Zürich"},
        "ingress": {"enabled": True},
    },
    "key-vault": {
        "keyVault": {
            "enabled": True,
            "vaultSuffixes": ["vault.example:8443"],
            "serviceAccounts": ["default/shop"],
            "workloadIdentity": {"clientId": "11111111-1111-1111-1111-111111111111"},
        }
    },
    "private-cloud": {
        "keyVault": {
            "enabled": True,
            "vaultSuffixes": ["vault.corp.example:8443", "vault.lab.example"],
            "authorityHost": "https://login.corp.example",
            "serviceAccountLabel": False,
            "serviceAccounts": [],
        },
        "proxy": {"url": "http://proxy.corp.example:3128", "noProxy": [".corp.example"]},
        "caBundle": {"configMap": "corp-ca"},
        "networkPolicy": {
            "enabled": True,
            "egress": {
                "enabled": True,
                "extra": [
                    {
                        "to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}],
                        "ports": [{"port": 80}],
                    }
                ],
            },
        },
    },
    "private-cloud-switched-off": {
        "keyVault": {
            "enabled": False,
            "vaultSuffixes": ["vault.corp.example:8443"],
            "authorityHost": "https://login.corp.example",
            "serviceAccountLabel": False,
            "serviceAccounts": ["default/shop"],
            "workloadIdentity": {"clientId": "11111111-1111-1111-1111-111111111111"},
        },
        "caBundle": {"secret": "corp-ca", "key": "tls.crt"},
        "networkPolicy": {"enabled": True, "egress": {"enabled": True}},
    },
    "key-vault-any-account": {"keyVault": {"enabled": True, "serviceAccounts": ["*"]}},
    "notifications": {
        "notifications": {
            "receivers": [
                {"name": "flux", "kind": "flux"},
                {
                    "name": "chat",
                    "kind": "slack",
                    "urlSecret": {"name": "slack", "key": "url"},
                    "namespaces": ["prod-*"],
                    "severity": "error",
                    "window": "1m",
                },
                {
                    "name": "pager",
                    "kind": "webhook",
                    "urlSecret": {"name": "pager", "key": "url"},
                    "hmacSecret": {"name": "pager", "key": "hmac"},
                    "keys": True,
                },
            ]
        }
    },
    "authentication": {
        "authentication": {"enabled": True, "trustedProxies": ["192.0.2.0/24", "2001:db8::1"]},
        "rbac": {"serviceProxier": {"subjects": [{"kind": "Group", "name": "developers"}]}},
    },
    "keys": {
        "secretName": "my-key",
        "generateKey": False,
        "keySize": 3072,
        "keyttl": "87600h",
        "keyrenewperiod": 0,
        "keycutofftime": "Mon, 02 Jan 2006 15:04:05 -0700",
        "keyOrderPriority": "SecretCreationTimestamp",
        "keyCommonName": "shop",
        "privateKeyAnnotations": {"a": "1", "b": "2"},
        "privateKeyLabels": {"c": "3"},
    },
    "tuning": {
        "labelSelector": "team=shop",
        "kubeClientQPS": "-1",
        "kubeClientBurst": 20,
        "rateLimit": "5",
        "rateLimitBurst": 5,
        "readTimeout": "1m",
        "writeTimeout": "90s",
        "logInfoStdout": True,
        "logLevel": "DEBUG",
        "logFormat": "json",
        "maxRetries": 7,
        "workers": 4,
        "allowServiceAccountTokens": True,
        "metrics": {"omitSecretLabels": True},
    },
    "tls": {
        "tls": {"secretName": "served"},
        "networkPolicy": {"enabled": True},
        "containerPorts": {"https": 9443},
    },
    "people": {
        "rbac": {
            "serviceProxier": {"subjects": [SUBJECT]},
            "keyAdmin": {"subjects": [SUBJECT]},
            "fluxApplier": {"create": True, "namespaces": ["default"]},
            "labels": {"team": "platform"},
        },
        "keyVault": {"enabled": True, "serviceAccounts": ["*"]},
    },
    "subjects-as-text": {
        "rbac": {"serviceProxier": {"subjects": "- {kind: User, name: ci}\n"}},
    },
    "traffic": {
        "ingress": {
            "enabled": True,
            "tls": True,
            "ingressClassName": "nginx",
            "extraHosts": [{"name": "b.example"}],
            "extraTls": [{"hosts": ["b.example"], "secretName": "b"}],
        },
        "networkPolicy": {
            "enabled": True,
            "egress": {"enabled": True, "kubeapiCidr": "10.0.0.1/32", "kubeapiPort": 6443},
            "metricsFrom": [{"podSelector": {}}],
        },
        "service": {"type": "NodePort", "nodePort": 30080},
        "pdb": {"create": True},
        "keyVault": {"enabled": True, "serviceAccounts": ["*"]},
    },
    "pod": {
        "image": {"digest": "sha256:" + "0" * 64, "pullSecrets": ["pull", {"name": "other"}]},
        "priorityClassName": "system-cluster-critical",
        "runtimeClassName": "gvisor",
        "topologySpreadConstraints": [SPREAD],
        "tolerations": [{"operator": "Exists"}],
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "affinity": {"podAntiAffinity": {}},
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        "extraArgs": ["--workers=2"],
        "additionalVolumes": [{"name": "more", "emptyDir": {}}],
        "additionalVolumeMounts": [{"name": "more", "mountPath": "/more"}],
        "hostUsers": False,
        "dnsPolicy": "ClusterFirst",
        "podLabels": {"release": "{{ .Release.Name }}"},
        "podAnnotations": {"note": "yes"},
        "customLivenessProbe": {"tcpSocket": {"port": "http"}},
        "hostPorts": {"http": 18080},
        "updateStrategy": {"type": "RollingUpdate"},
        "revisionHistoryLimit": 3,
        "commonLabels": {"cost": "platform"},
        "commonAnnotations": {"docs": "here"},
    },
    "openshift": {
        "podSecurityContext": {"fsGroup": None},
        "containerSecurityContext": {"runAsUser": None},
    },
    "own-arguments": {"args": ["--version"], "command": ["/bin/true"]},
    "extra-objects": {
        "extraDeploy": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {}},
            'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}-b"}\n',
        ]
    },
    "dashboard": {
        "metrics": {"dashboards": {"create": True, "labels": {"grafana_dashboard": "1"}}}
    },
    "other-names": {"fullnameOverride": "", "nameOverride": "keys", "namespace": "default"},
}

# These need CRDs of other projects, so no API server of ours can look at them.
FOREIGN: dict[str, dict[str, Any]] = {
    "prometheus-operator": {
        "keyVault": {"enabled": True, "serviceAccounts": ["*"]},
        "metrics": {
            "serviceMonitor": {"enabled": True, "interval": "30s", "labels": {"release": "p"}},
            "prometheusRule": {"enabled": True, "alertLabels": {"team": "platform"}},
        },
    },
    "alerts-without-names": {
        "metrics": {"omitSecretLabels": True, "prometheusRule": {"enabled": True}}
    },
    "gateway": {
        "page": {"enabled": True},
        "httpRoute": {
            "enabled": True,
            "parentRefs": [{"name": "public", "namespace": "gateways"}],
            "hostnames": ["seal.example"],
        },
    },
}
