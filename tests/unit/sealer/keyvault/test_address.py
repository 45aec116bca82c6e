"""Which hosts may be asked, and where their tokens come from."""

from __future__ import annotations

import pytest

from sealer.keyvault.address import AddressError, parse

AZURE_STACK = ("vault.stack.example:8443", "vault.corp.example")


@pytest.mark.parametrize(
    ("url", "expected", "authority"),
    [
        pytest.param(
            "https://Shop.vault.azure.net/",
            "https://shop.vault.azure.net",
            "https://login.microsoftonline.com",
            id="public",
        ),
        pytest.param(
            "https://shop.vault.usgovcloudapi.net",
            "https://shop.vault.usgovcloudapi.net",
            "https://login.microsoftonline.us",
            id="us-government",
        ),
        pytest.param(
            "https://shop.vault.azure.cn",
            "https://shop.vault.azure.cn",
            "https://login.chinacloudapi.cn",
            id="china",
        ),
        pytest.param(
            "https://shop.vault.stack.example:8443",
            "https://shop.vault.stack.example:8443",
            "https://login.microsoftonline.com",
            id="suffix-with-port",
        ),
        pytest.param(
            "https://shop.vault.azure.net:443",
            "https://shop.vault.azure.net",
            "https://login.microsoftonline.com",
            id="default-port",
        ),
    ],
)
def test_an_address_tells_its_authority(url: str, expected: str, authority: str) -> None:
    address = parse(url, AZURE_STACK)
    assert (address.url, address.authority()) == (expected, authority)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("http://shop.vault.azure.net", "InvalidUrl", id="http"),
        pytest.param("https://u:p@shop.vault.azure.net", "InvalidUrl", id="user"),
        pytest.param("https://shop.vault.azure.net/secrets", "InvalidUrl", id="path"),
        pytest.param("https://shop.vault.azure.net?x", "InvalidUrl", id="query"),
        pytest.param("https://shop.vault.azure.net#x", "InvalidUrl", id="fragment"),
        pytest.param("https://evil.example/.vault.azure.net", "InvalidUrl", id="path-trick"),
        pytest.param("https://evil.example\\.vault.azure.net", "InvalidUrl", id="backslash"),
        pytest.param("https://shop.vault.azure.net:99999", "InvalidUrl", id="port"),
        pytest.param("https://[::1]", "InvalidUrl", id="ipv6"),
        pytest.param("https://169.254.169.254", "UnknownCloud", id="metadata"),
        pytest.param("https://evil.example", "UnknownCloud", id="stranger"),
        pytest.param("https://vault.azure.net", "UnknownCloud", id="the-suffix-itself"),
        pytest.param("https://a.b.vault.azure.net", "UnknownCloud", id="two-labels"),
        pytest.param("https://shopvault.corp.example", "UnknownCloud", id="no-label-boundary"),
        pytest.param("https://shop.vault.azure.net.evil.example", "UnknownCloud", id="prefix"),
        pytest.param("https://shop.vault.azure.net:8443", "UnknownCloud", id="other-port"),
        pytest.param("https://shop.vault.stack.example", "UnknownCloud", id="suffix-wants-port"),
    ],
)
def test_other_addresses_are_refused(url: str, reason: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse(url, AZURE_STACK)
    assert caught.value.reason == reason


def test_an_authority_of_ones_own_holds_everywhere_another_clouds_does_not() -> None:
    custom, public = (
        parse("https://a.vault.corp.example", AZURE_STACK),
        parse("https://abc.vault.azure.cn"),
    )
    assert custom.authority("login.corp.example") == "https://login.corp.example"
    assert public.authority("https://login.corp.example/") == "https://login.corp.example"
    assert (
        public.authority("https://login.microsoftonline.com/") == "https://login.chinacloudapi.cn"
    )
