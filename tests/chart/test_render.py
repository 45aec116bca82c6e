"""What the chart renders to, and what it refuses, by the real helm."""

from __future__ import annotations

import json
import re
from ipaddress import ip_network
from typing import Any

import pytest

from controller.keyvault.metrics import KeyVaultMetrics
from controller.metrics import Metrics
from controller.settings import FLAGS, parse
from tests.chart.helm import (
    CHART,
    ROOT,
    HelmError,
    Manifest,
    container,
    helm,
    only,
    render,
    template,
)
from tests.chart.matrix import FOREIGN, MATRIX

ALL = {**MATRIX, **FOREIGN}


@pytest.mark.parametrize("name", ALL)
def test_lint_finds_nothing(name: str) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART), values=ALL[name])


@pytest.mark.parametrize("name", ALL)
def test_every_object_has_the_labels_of_its_release_and_a_name_of_its_own(name: str) -> None:
    objects = [one for one in render(ALL[name]) if "app.kubernetes.io/instance" in _labels(one)]
    assert objects
    keys = [
        (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in objects
    ]
    assert len(set(keys)) == len(keys)
    extra = len(ALL[name].get("extraDeploy", ()))
    assert len(render(ALL[name])) == len(objects) + extra


@pytest.mark.parametrize("name", ALL)
def test_the_controller_takes_the_arguments_that_the_chart_gives_it(name: str) -> None:
    objects = render(ALL[name])
    if not any(one["kind"] == "Deployment" for one in objects):
        return
    arguments = container(objects)["args"]
    settings = parse(arguments, {})
    assert {argument.split("=")[0].removeprefix("--") for argument in arguments} <= {
        flag.name for flag in FLAGS
    }
    assert settings.listen_addr == ":8080" or name == "own-arguments"


@pytest.mark.parametrize(
    ("values", "field", "expected"),
    [
        pytest.param({"secretName": "my"}, "key_prefix", "my", id="secretName"),
        pytest.param({"keySize": 2048}, "key_size", 2048, id="keySize"),
        pytest.param({"keyCommonName": "me"}, "my_cn", "me", id="keyCommonName"),
        pytest.param(
            {"authentication": {"enabled": True}}, "authenticate", True, id="authentication.enabled"
        ),
        pytest.param(
            {"authentication": {"enabled": True, "trustedProxies": ["192.0.2.0/24", "::1"]}},
            "trusted_proxies",
            (ip_network("192.0.2.0/24"), ip_network("::1")),
            id="authentication.trustedProxies",
        ),
        pytest.param({"adoptedKeys": "unseal"}, "adopted_keys", "unseal", id="adoptedKeys"),
        pytest.param({"generateKey": False}, "generate_key", False, id="generateKey"),
        pytest.param({"allNamespaces": False}, "all_namespaces", False, id="allNamespaces"),
        pytest.param(
            {"additionalNamespaces": ["a", "b"]},
            "additional_namespaces",
            ("a", "b"),
            id="additionalNamespaces",
        ),
        pytest.param({"labelSelector": "a=b,c"}, "label_selector", "a=b,c", id="labelSelector"),
        pytest.param(
            {"privateKeyLabels": {"a": "1", "b": "2"}},
            "privatekey_labels",
            (("a", "1"), ("b", "2")),
            id="privateKeyLabels",
        ),
        pytest.param(
            {"privateKeyAnnotations": {"x/y": "1"}},
            "privatekey_annotations",
            (("x/y", "1"),),
            id="privateKeyAnnotations",
        ),
        pytest.param({"drift": "report"}, "drift", "report", id="drift"),
        pytest.param({"skipRecreate": True}, "skip_recreate", True, id="skipRecreate"),
        pytest.param({"updateStatus": False}, "update_status", False, id="updateStatus"),
        pytest.param({"oldGcBehavior": True}, "old_gc_behavior", True, id="oldGcBehavior"),
        pytest.param(
            {"recreateImmutable": True}, "recreate_immutable", True, id="recreateImmutable"
        ),
        pytest.param(
            {"allowServiceAccountTokens": True},
            "allow_service_account_tokens",
            True,
            id="allowServiceAccountTokens",
        ),
        pytest.param({"kubeClientQPS": "7.5"}, "kubeclient_qps", 7.5, id="kubeClientQPS"),
        pytest.param({"kubeClientBurst": 9}, "kubeclient_burst", 9, id="kubeClientBurst"),
        pytest.param({"rateLimit": 9}, "rate_limit", 9, id="rateLimit"),
        pytest.param({"rateLimitBurst": "9"}, "rate_limit_burst", 9, id="rateLimitBurst"),
        pytest.param({"logLevel": "debug"}, "log_level", "DEBUG", id="logLevel"),
        pytest.param({"logFormat": "json"}, "log_format", "json", id="logFormat"),
        pytest.param({"logInfoStdout": True}, "log_info_stdout", True, id="logInfoStdout"),
        pytest.param(
            {"keyVault": {"enabled": True, "serviceAccounts": ["*"]}},
            "key_vault",
            True,
            id="keyVault.enabled",
        ),
        pytest.param(
            {
                "keyVault": {
                    "enabled": True,
                    "serviceAccounts": ["*"],
                    "vaultSuffixes": ["a.example:8443", "b.example"],
                }
            },
            "vault_suffixes",
            ("a.example:8443", "b.example"),
            id="keyVault.vaultSuffixes",
        ),
        pytest.param(
            {"keyVault": {"enabled": True, "serviceAccounts": ["*"], "serviceAccountLabel": False}},
            "vault_service_account_label",
            False,
            id="keyVault.serviceAccountLabel",
        ),
        pytest.param({"workers": 3}, "workers", 3, id="workers"),
        pytest.param({"tls": {"secretName": "x"}}, "listen_tls_addr", ":8443", id="tls.secretName"),
        pytest.param({"tls": {"port": 1}}, "listen_tls_addr", "", id="without-tls"),
        pytest.param(
            {"containerPorts": {"http": 9090}}, "listen_addr", ":9090", id="containerPorts"
        ),
    ],
)
def test_a_value_sets_the_flag_it_stands_for(
    values: dict[str, Any], field: str, expected: object
) -> None:
    assert getattr(parse(container(render(values))["args"], {}), field) == expected


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        pytest.param("0", 0, id="never, quoted as the peer wants it"),
        pytest.param(0, 0, id="never, as --set makes it"),
        pytest.param("1h30m", 5400, id="a duration"),
        pytest.param("", 720 * 3600, id="the default"),
    ],
)
def test_the_renewal_period_arrives(given: object, seconds: int) -> None:
    settings = parse(container(render({"keyrenewperiod": given}))["args"], {})
    assert settings.key_renew_period.total_seconds() == seconds


def test_only_flags_without_a_place_in_a_pod_have_no_value() -> None:
    # kubeconfig and namespace come from the pod; the rest are for people and tests.
    elsewhere = {"kubeconfig", "context", "namespace", "version", "watch-for-secrets"}
    elsewhere |= {"accept-deprecated-v1-data"}
    said = (CHART / "templates" / "_args.tpl").read_text()
    missing = {flag.name for flag in FLAGS if not re.search(f'["-]{flag.name}["=]', said)}
    assert missing == elsewhere


def test_the_pod_can_do_next_to_nothing_on_its_node() -> None:
    objects = render()
    pod = only(objects, "Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(objects)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 1001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert all("hostPath" not in volume for volume in pod["volumes"])
    assert only(objects, "ServiceAccount")["automountServiceAccountToken"] is False


def test_kubeseal_finds_the_service_by_its_default_name_and_port_name() -> None:
    service = only(render(), "Service", "sealed-secrets-controller")
    assert [port["name"] for port in service["spec"]["ports"]] == ["http"]


def test_tls_is_one_more_port_after_the_one_that_kubeseal_takes() -> None:
    objects = render(MATRIX["tls"])
    service = only(objects, "Service", "sealed-secrets-controller")
    assert [port["name"] for port in service["spec"]["ports"]] == ["http", "https"]
    one = container(objects)
    assert {port["name"]: port["containerPort"] for port in one["ports"]}["https"] == 9443
    folder = next(mount for mount in one["volumeMounts"] if mount["name"] == "tls")
    settings = parse(one["args"], {})
    assert settings.tls_cert_file == f"{folder['mountPath']}/tls.crt"
    assert settings.tls_key_file == f"{folder['mountPath']}/tls.key"
    volumes = only(objects, "Deployment")["spec"]["template"]["spec"]["volumes"]
    assert {"name": "tls", "secret": {"secretName": "served"}} in volumes
    ports = only(objects, "NetworkPolicy")["spec"]["ingress"][0]["ports"]
    assert ports == [{"port": "http"}, {"port": "https"}]


@pytest.mark.parametrize("name", MATRIX)
def test_no_right_is_wider_than_it_looks(name: str) -> None:
    for role in render(ALL[name]):
        for rule in role.get("rules") or ():
            assert not any("*" in each for each in rule.values())
            assert not {"bind", "escalate", "impersonate"} & set(rule["verbs"])


def test_every_rule_says_which_feature_needs_it() -> None:
    for name in ("key-vault", "people", "deleting", "no-drift", "named-namespaces"):
        above = ""
        in_rules = commented = False
        for line in template(MATRIX[name]).splitlines():
            in_rules = line == "rules:" or (in_rules and line.startswith(" "))
            commented = commented or above.strip().startswith("#")
            if in_rules and line.strip().startswith("- apiGroups"):
                assert commented, line
            if line == "rules:":
                commented = False
            above = line


def test_nobody_gets_rights_unless_named() -> None:
    bindings = [one for one in render() if one["kind"].endswith("RoleBinding")]
    assert {subject["kind"] for one in bindings for subject in one["subjects"]} == {
        "ServiceAccount"
    }
    assert "system:authenticated" not in template()


def test_named_namespaces_need_no_cluster_wide_right() -> None:
    objects = render(MATRIX["named-namespaces"])
    assert not [one for one in objects if one["kind"] == "ClusterRoleBinding"]
    roles = [one["metadata"] for one in objects if one["kind"] == "Role" and _unseals(one)]
    assert {role["namespace"] for role in roles} == {"sealer-system", "default"}


def _unseals(role: Manifest) -> bool:
    return any("sealedsecrets" in rule.get("resources", ()) for rule in role["rules"])


def test_a_switched_off_feature_takes_its_rights_away() -> None:
    def verbs(values: dict[str, Any], resource: str) -> set[str]:
        role = only(render(values), "ClusterRole", "sealer-system:sealed-secrets-controller")
        return {
            verb
            for rule in role["rules"]
            if resource in rule["resources"]
            for verb in rule["verbs"]
        }

    assert verbs({}, "secrets") == {"get", "create", "update", "list", "watch"}
    assert verbs({"skipRecreate": True}, "secrets") == {"get", "create", "update"}
    assert "delete" in verbs({"recreateImmutable": True}, "secrets")
    assert verbs({"updateStatus": False}, "sealedsecrets/status") == set()
    assert verbs({}, "keyvaults") == verbs({}, "serviceaccounts/token") == set()
    assert verbs(
        {"keyVault": {"enabled": True, "serviceAccounts": ["*"]}}, "serviceaccounts/token"
    ) == {"create"}
    assert verbs(MATRIX["key-vault"], "serviceaccounts/token") == set()
    none = {"keyVault": {"enabled": True, "serviceAccounts": []}}
    assert verbs(none, "serviceaccounts/token") == set()


def test_crds_survive_an_uninstall_and_key_vault_ones_come_with_the_feature() -> None:
    def crds(values: dict[str, Any]) -> list[Manifest]:
        return [one for one in render(values) if one["kind"] == "CustomResourceDefinition"]

    for one in crds({}):
        assert one["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert [one["metadata"]["name"] for one in crds({})] == ["sealedsecrets.bitnami.com"]
    everything = list((ROOT / "crds").glob("*.yaml"))
    assert len(crds({"keyVault": {"enabled": True, "serviceAccounts": ["*"]}})) == len(everything)
    assert crds({"crds": {"create": False}}) == []
    assert "annotations" not in crds({"crds": {"keep": False}})[0]["metadata"]


def test_key_vault_switched_off_leaves_nothing_of_it() -> None:
    off = MATRIX["private-cloud-switched-off"]
    assert render({"keyVault": off["keyVault"]}) == render({})
    monitoring = {**FOREIGN["prometheus-operator"], "keyVault": {"enabled": False}}
    monitoring["metrics"] = {**monitoring["metrics"], "dashboards": {"create": True}}
    told = template({**monitoring, **MATRIX["people"], "keyVault": off["keyVault"]}).lower()
    for word in ("keyvault", "key-vault", "azure", "serviceaccounts/token"):
        assert word not in told


def test_key_vault_brings_what_workload_identity_wants() -> None:
    client = MATRIX["key-vault"]["keyVault"]["workloadIdentity"]["clientId"]
    objects = render(MATRIX["key-vault"])
    account = only(objects, "ServiceAccount")["metadata"]
    assert account["annotations"] == {"azure.workload.identity/client-id": client}
    pod = only(objects, "Deployment")["spec"]["template"]["metadata"]
    assert pod["labels"]["azure.workload.identity/use"] == "true"
    assert "azure.workload.identity/use" not in json.dumps(render(MATRIX["people"]))


def outgoing(values: dict[str, Any]) -> list[Manifest]:
    """The rules beyond DNS and the API server."""
    values = {"networkPolicy": {"enabled": True, "egress": {"enabled": True}}, **values}
    rules: list[Manifest] = only(render(values), "NetworkPolicy")["spec"]["egress"]
    return rules[2:]


def test_no_more_goes_out_than_a_feature_needs() -> None:
    assert outgoing({}) == []
    assert outgoing({"keyVault": {"enabled": True, "serviceAccounts": ["*"]}}) == [
        {"ports": [{"port": 443}]}
    ]
    assert outgoing(MATRIX["notifications"]) == [{"ports": [{"port": 443}]}]
    ports, metadata = outgoing(MATRIX["private-cloud"])
    assert [one["port"] for one in ports["ports"]] == [3128, 443, 8443]
    assert metadata["to"] == [{"ipBlock": {"cidr": "169.254.169.254/32"}}]
    for url, port in (("http://proxy", 80), ("https://proxy/", 443), ("http://proxy:8/", 8)):
        assert outgoing({"proxy": {"url": url}}) == [{"ports": [{"port": port}]}]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"drift": "fix"}, "one of 'revert', 'report', 'ignore'", id="unknown word"),
        pytest.param({"resorces": {}}, "additional properties 'resorces'", id="misspelt"),
        pytest.param({"image": {"tags": "1"}}, "additional properties 'tags'", id="misspelt below"),
        pytest.param({"keyttl": "10d"}, "at '/keyttl'", id="days are no Go duration"),
        pytest.param({"keySize": 1024}, "minimum: got 1,024, want 2,048", id="small key"),
        pytest.param({"secretName": "My_Key"}, "at '/secretName'", id="no name of a Secret"),
        pytest.param({"skipRecreate": "no"}, "got string, want boolean", id="text for a switch"),
        pytest.param({"service": {"port": 0}}, "at '/service/port'", id="no port"),
        pytest.param(
            {"privateKeyLabels": {"a": "b,c"}}, "at '/privateKeyLabels/a'", id="comma in a pair"
        ),
        pytest.param(
            {"containerSecurityContext": {"privileged": True}}, "privileged", id="privileged"
        ),
        pytest.param(
            {"ingress": {"selfSigned": True}}, "at '/ingress/selfSigned'", id="selfSigned"
        ),
        pytest.param({"rbac": {"pspEnabled": True}}, "at '/rbac/pspEnabled'", id="pspEnabled"),
        pytest.param(
            {"keyVault": {"serviceAccounts": ["shop"]}}, "serviceAccounts/0", id="no namespace"
        ),
        pytest.param(
            {"keyVault": {"enabled": True}}, "keyVault.serviceAccounts must be set", id="accounts"
        ),
        pytest.param({"keyVault": {"enable": True}}, "'enable'", id="misspelt switch"),
        pytest.param(
            {"keyVault": {"vaultSuffixes": ["https://x"]}}, "vaultSuffixes/0", id="no suffix"
        ),
        pytest.param(
            {"keyVault": {"authorityHost": "http://x"}}, "authorityHost", id="authority in clear"
        ),
        pytest.param(
            {"proxy": {"url": "http://me:word@proxy"}}, "at '/proxy/url'", id="password in values"
        ),
        pytest.param(
            {"caBundle": {"configMap": "a", "secret": "b"}}, "at '/caBundle'", id="two bundles"
        ),
        pytest.param(
            {"rbac": {"clusterRole": False, "namespacedRoles": True}},
            "name them in additionalNamespaces",
            id="rights for no namespace",
        ),
        pytest.param({"httpRoute": {"enabled": True}}, "names the Gateway", id="no gateway"),
        pytest.param(
            {"pdb": {"create": True, "maxUnavailable": ""}}, "minAvailable or", id="empty budget"
        ),
    ],
)
def test_a_wrong_value_is_refused_by_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(HelmError) as refusal:
        template(values)
    assert message in str(refusal.value)


def test_alerts_and_dashboard_use_metrics_that_exist() -> None:
    metrics = Metrics(version="0")
    KeyVaultMetrics(metrics.registry)
    exported = set()
    for family in metrics.registry.collect():
        exported |= {family.name, f"{family.name}_total", f"{family.name}_bucket"}
    rules = json.dumps(only(render(FOREIGN["prometheus-operator"]), "PrometheusRule")["spec"])
    dashboard = (CHART / "files" / "dashboard.json").read_text()
    used = set(
        re.findall(r"(?:sealed_secrets_controller|keyvault(?:secret)?)_\w+", rules + dashboard)
    )
    assert len(used) > 10
    assert used <= exported


@pytest.mark.parametrize(
    ("values", "threshold"),
    [
        pytest.param({}, "> 2851200", id="30 days and a tenth"),
        pytest.param({"keyrenewperiod": "1h30m"}, "> 5940", id="1h30m and a tenth"),
    ],
)
def test_the_renewal_alert_knows_the_period(values: dict[str, Any], threshold: str) -> None:
    rule = only(
        render({**values, "metrics": {"prometheusRule": {"enabled": True}}}), "PrometheusRule"
    )
    alerts = {one["alert"]: one["expr"] for one in rule["spec"]["groups"][0]["rules"]}
    assert alerts["SealingKeyRenewalLate"].endswith(threshold)


def test_without_renewal_no_alert_asks_for_it() -> None:
    values = {"keyrenewperiod": "0", "metrics": {"prometheusRule": {"enabled": True}}}
    assert "SealingKeyRenewalLate" not in template(values)


def _labels(one: Manifest) -> dict[str, str]:
    return one["metadata"].get("labels") or {}
