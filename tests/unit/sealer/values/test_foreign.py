"""One knowledge of what SOPS encrypted, for what is sealed and for what is looked for in clear."""

from __future__ import annotations

import pytest

from sealer.values.foreign import encrypted_with
from sealer.values.placeholders import is_placeholder, is_sops_value

WHOLE = "ENC[AES256_GCM,data:Tr7o=,iv:1vLx+2/Z=,tag:kQm8dQ==,type:str]"


@pytest.mark.parametrize(
    ("text", "is_sops"),
    [
        pytest.param(WHOLE, True, id="whole"),
        pytest.param(f"\n {WHOLE}\n", True, id="white space around it"),
        pytest.param(WHOLE.replace("Tr7o=", ""), True, id="an empty value"),
        pytest.param(WHOLE.replace("1vLx+2/Z=", ""), False, id="no iv"),
        pytest.param(WHOLE.replace("kQm8dQ==", ""), False, id="no tag"),
        pytest.param(WHOLE.replace("Tr7o=", "my password"), False, id="data that is no base64"),
        pytest.param(WHOLE.replace("Tr7o=", "Trüo="), False, id="data that is not ASCII"),
        pytest.param(WHOLE.replace(",type:str", ""), False, id="no type"),
        pytest.param(f"{WHOLE} and more", False, id="more behind it"),
        pytest.param("ENC[hunter2]", False, id="looks like it"),
    ],
)
def test_both_know_the_same_values_of_sops(text: str, is_sops: bool) -> None:
    assert is_sops_value(text) is is_sops
    assert (encrypted_with(text.encode()) == ("SOPS", "sops -d FILE | seal")) is is_sops
    assert is_placeholder(text) is is_sops
