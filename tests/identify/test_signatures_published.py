"""Signatures that others made: the RFC's own examples, the published vectors, and independent libraries."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import subprocess
from base64 import urlsafe_b64encode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from support import cases
from vorbehalt.facts import ClientAddress, Headers, Visit
from vorbehalt.identify.signature_base import Message, UnknownComponent, signature_base
from vorbehalt.identify.signature_keys import Key, Missing, canonical_jwk, read_directory, thumbprint, verify
from vorbehalt.identify.signatures import judge_signature, read_signatures
from vorbehalt.identify.structured import InnerList, parse_dictionary

RFC_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}
RFC_NAME = "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"
NOW = 1_795_330_100
AGENT = "https://crawler.example"


def covered(text: str) -> InnerList:
    found = parse_dictionary(b"sig=" + text.encode())["sig"]
    assert isinstance(found, InnerList)
    return found


def message(case: dict[str, Any]) -> Message:
    path, mark, query = case.get("target", "/").partition("?")
    return Message(
        method=case.get("method", "GET"),
        scheme="https",
        authority=case.get("authority", "www.example.com"),
        path=path,
        query=query if mark else None,
        headers=tuple((name.encode(), value.encode()) for name, value in case.get("headers", [])),
    )


@pytest.mark.parametrize("case", cases("signature_bases"))
def test_a_line_of_the_base_is_as_the_standard_shows_it(case: dict[str, Any]) -> None:
    component = case["component"]
    if "refused" in case:
        kind = UnknownComponent if case["refused"] == "unknown" else ValueError
        with pytest.raises(ValueError, match=r".") as caught:
            signature_base(covered(f"({component})"), message(case))
        assert type(caught.value) is kind
        return
    lines = signature_base(covered(f"({component});created=1"), message(case)).decode().split("\n")
    assert lines == [f"{component}: {case['value']}", f'"@signature-params": ({component});created=1']


def test_a_query_of_a_thousand_parameters_is_not_taken_apart() -> None:
    target = "/?b=1" + "&a=1" * 1000
    with pytest.raises(ValueError, match="fields"):
        signature_base(covered('("@query-param";name="b")'), message({"target": target}))


def test_the_thumbprint_is_that_of_the_standard() -> None:
    """RFC 8037 appendix A.3; RFC 9421 appendix B.1.4 as the drafts print it."""
    rfc8037 = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(rfc8037) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert thumbprint({**RFC_KEY, "kid": "any", "use": "sig", "d": "secret"}) == RFC_NAME


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "RSA"},
        {"crv": "X25519"},
        {"x": 7},
        {"x": ""},
        {"x": "AAAA"},
        {"x": RFC_KEY["x"] + "="},
        {"x": RFC_KEY["x"][:-1] + "t"},
        {"x": RFC_KEY["x"].replace("-", "+")},
    ],
)
def test_what_is_no_ed25519_key_has_no_thumbprint_and_verifies_nothing(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no Ed25519 key|base64url"):
        thumbprint({**RFC_KEY, **change})
    assert not verify(b"", bytes(64), {**RFC_KEY, **change})


def test_the_private_half_of_a_careless_directory_is_not_kept() -> None:
    assert json.loads(canonical_jwk({**RFC_KEY, "d": "secret"})) == RFC_KEY


@pytest.mark.parametrize("case", cases("signatures"))
def test_a_published_signature_holds_and_breaks_with_one_character(case: dict[str, Any]) -> None:
    """The names of the cases say where they were published; all are made with the RFC's test key."""
    headers = tuple((name.encode(), value.encode()) for name, value in case["headers"])
    inputs = parse_dictionary(dict(headers)[b"signature-input"])
    signatures = parse_dictionary(dict(headers)[b"signature"])
    (label,) = inputs
    signature = getattr(signatures[label], "value", None)
    terms = inputs[label]
    assert isinstance(terms, InnerList)
    assert isinstance(signature, bytes)
    base = signature_base(terms, message(case))
    assert base.decode() == case["base"].rstrip("\n")
    assert verify(base, signature, RFC_KEY)
    assert not verify(base.replace(b"example", b"exbmple", 1), signature, RFC_KEY)
    assert not verify(base, signature[:-1] + bytes([signature[-1] ^ 1]), RFC_KEY)


class _Book:
    def __init__(self, *keys: Key) -> None:
        self.keys = {key.thumbprint: key for key in keys}

    def peek(self, agent_origin: str, thumbprint: str) -> Key | Missing | None:
        return self.keys.get(thumbprint)


def _visit(headers: Headers, /, **changes: Any) -> Visit:
    values: dict[str, Any] = {
        "received_at": NOW * 10**9,
        "method": "GET",
        "scheme": "https",
        "host": "example.com",
        "path": "/path",
        "target": b"/path/to/resource?page=2",
        "http_version": "1.1",
        "headers": ((b"host", b"example.com"), *headers),
        "client": ClientAddress("66.249.66.1", "direct", True, "66.249.66.1"),
        **changes,
    }
    return Visit(**values)


def _outcome(headers: Headers, book: _Book, /, at: int = NOW, **changes: Any) -> str:
    def fresh(*_: object) -> bool:
        return False

    answer = judge_signature(_visit(headers, **changes), book, at * 10**9, fresh, own_hosts={"example.com"})
    return "none" if answer is None else answer.outcome


@pytest.mark.real("vectors")
def test_the_published_vectors_hold_and_none_of_them_is_believed() -> None:
    """cloudflare/web-bot-auth, test_data: what can be checked (Ed25519) holds; its key is the RFC's."""
    vectors = json.loads((Path(os.environ["VORBEHALT_VECTORS"]) / "web_bot_auth.json").read_text())
    checked = 0
    for vector in vectors:
        fields = ("signature", "signature_input", "signature_agent")
        headers = tuple(
            (field.replace("_", "-").encode(), vector[field].encode()) for field in fields if field in vector
        )
        (claim,) = read_signatures(headers)
        assert vector["label"] == claim.label
        assert claim.agent == ("https://signature-agent.test" if "signature_agent" in vector else "")
        base = signature_base(claim.covered, Message.of(_visit(headers)))
        if vector["key"]["kty"] == "OKP":
            assert verify(base, claim.signature, vector["key"])
            assert thumbprint(vector["key"]) == claim.text("keyid")
            book = _Book(Key(canonical_jwk(vector["key"]), thumbprint(vector["key"])))
            assert _outcome(headers, book, at=vector["created_ms"] // 1000 + 1) in ("invalid", "unverified")
            checked += 1
    assert (checked, len(vectors)) == (4, 8)


SEED = hashlib.sha256(b"independent").digest()
PRIVATE = Ed25519PrivateKey.from_private_bytes(SEED)


def _b64u(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


JWK = {"kty": "OKP", "crv": "Ed25519", "x": _b64u(PRIVATE.public_key().public_bytes_raw())}
BOOK = _Book(*read_directory(json.dumps({"keys": [JWK]}).encode()).values())


def _python_signed(components: tuple[str, ...], agent: str, **headers: str) -> Headers:
    from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

    class Keys(HTTPSignatureKeyResolver):
        def resolve_private_key(self, key_id: str) -> Any:
            return PRIVATE

    request = SimpleNamespace(
        method="GET",
        url="https://example.com/path/to/resource?page=2",
        headers={"Host": "example.com", "Signature-Agent": agent, **headers},
    )
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=Keys()).sign(
        request,
        key_id=thumbprint(JWK),
        created=datetime.datetime.fromtimestamp(NOW - 10, datetime.UTC),
        expires=datetime.datetime.fromtimestamp(NOW + 300, datetime.UTC),
        nonce="bm9uY2U=",
        label="sig1",
        tag="web-bot-auth",
        covered_component_ids=components,
    )
    return tuple(
        (name.lower().encode(), value.encode()) for name, value in request.headers.items() if name != "Host"
    )


COVERED = [
    ('"@authority"', '"signature-agent";key="sig1"'),
    ('"@target-uri"', '"signature-agent";key="sig1"'),
    ('"@method"', '"@authority"', '"@path"', '"@query"', '"@scheme"', '"signature-agent";key="sig1"'),
    ('"@authority"', '"@query-param";name="page"', '"signature-agent";key="sig1"'),
    ('"@authority"', '"@request-target"', '"user-agent"', '"signature-agent"'),
    ('"@authority"', '"user-agent";bs', '"priority";key="u"', '"priority";sf', '"signature-agent"'),
]


@pytest.mark.parametrize("components", COVERED, ids=lambda components: components[-2])
def test_what_the_python_library_signs_verifies_and_breaks_when_tampered_with(
    components: tuple[str, ...],
) -> None:
    more = {"User-Agent": "Crawler/1.0 (a,  b)", "Priority": "u=3,   i"}
    headers = _python_signed(components, f'sig1="{AGENT}"', **more)
    assert _outcome(headers, BOOK) == "verified"
    assert _outcome(headers, _Book()) == "unverified"
    assert _outcome(headers, BOOK, at=NOW + 300) == "invalid"
    assert _outcome(headers, BOOK, at=NOW - 41) == "invalid"
    other = tuple((name, value.replace(b"crawler.example", b"crawlex.example")) for name, value in headers)
    assert _outcome(other, BOOK) == "invalid"
    named = " ".join(components)
    changed = tuple((n, v.replace(b"1.0", b"1.1") if n == b"user-agent" else v) for n, v in headers)
    assert _outcome(changed, BOOK) == ("invalid" if "user-agent" in named else "verified")
    is_bound = any(part in named for part in ("@target-uri", "@request-target", "@query"))
    assert _outcome(headers, BOOK, target=b"/path/to/resource?page=3") == (
        "invalid" if is_bound else "verified"
    )


def test_what_the_python_library_signs_in_the_legacy_form_verifies() -> None:
    headers = _python_signed(('"@authority"', '"signature-agent"'), f'"{AGENT}"')
    assert _outcome(headers, BOOK) == "verified"


SCRIPT = """
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
const require = createRequire(process.env.PACKAGES + "/");
const bot = require("web-bot-auth");
const { signerFromJWK } = require("web-bot-auth/crypto");
const task = JSON.parse(process.env.TASK);
const request = { method: "GET", url: task.url, headers: { "Signature-Agent": task.agent } };
const signed = await bot.signatureHeaders(request, await signerFromJWK(task.jwk), {
  created: new Date(task.now * 1000), expires: new Date((task.now + 300) * 1000),
  key: "sig1", components: task.components });
const { WEBCRYPTO_SHA256, BASE64URL_DECODE } = bot.helpers;
const name = await bot.jwkToKeyID(task.jwk, WEBCRYPTO_SHA256, BASE64URL_DECODE);
console.log(JSON.stringify({ ...signed, name }));
"""


def _packages() -> Path:
    """The folder that holds web-bot-auth from npm."""
    folder = Path(os.environ.get("VORBEHALT_NODE_MODULES", Path(__file__).parents[2] / ".cache/node_modules"))
    if not (folder / "web-bot-auth").is_dir():
        why = "web-bot-auth from npm is not installed (VORBEHALT_NODE_MODULES)"
        if os.environ.get("CI"):
            pytest.fail(f"{why}, and CI must test against the real thing", pytrace=False)
        pytest.skip(why)
    return folder


@pytest.mark.real("node")
@pytest.mark.parametrize("form", ["dictionary", "legacy"])
def test_what_the_npm_package_signs_verifies(form: str) -> None:
    """Version 0.1.3 covers the whole of Signature-Agent; of one member (`key`) it signs the wrong value."""
    packages = _packages()
    task = {
        "url": "https://example.com/path/to/resource?page=2",
        "agent": f'sig1="{AGENT}"' if form == "dictionary" else f'"{AGENT}"',
        "components": ["@authority", "@method", "@path", "@query", "signature-agent"],
        "jwk": {**JWK, "d": _b64u(SEED)},
        "now": NOW - 10,
    }
    environment = {"PATH": os.environ["PATH"], "PACKAGES": str(packages), "TASK": json.dumps(task)}
    run = subprocess.run(
        ["node", "--input-type=module", "-e", SCRIPT],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    made = json.loads(run.stdout)
    assert made["name"] == thumbprint(JWK)
    headers = (
        (b"signature-agent", str(task["agent"]).encode()),
        (b"signature-input", made["Signature-Input"].encode()),
        (b"signature", made["Signature"].encode()),
    )
    assert _outcome(headers, BOOK) == "verified"
    assert _outcome(headers, BOOK, target=b"/path/to/resource?page=3") == "invalid"
    assert _outcome(headers, BOOK, method="POST") == "invalid"
    elsewhere: dict[str, Any] = {
        "host": "www.example.com",
        "headers": ((b"host", b"www.example.com"), *headers),
    }
    assert _outcome(headers, BOOK, **elsewhere) == "unverified"
    tampered = tuple((name, value.replace(b"crawler", b"crawlex")) for name, value in headers)
    assert _outcome(tampered, BOOK) == "invalid"
