"""Logins, tokens and signatures."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from lab.twin.paper import mo

NO_COOKIE = (
    "Need a valid webtoken cookie (named APIC-Cookie) or a signed request with signature in the cookie "
    "APIC-Request-Signature for all REST API requests"
)


def credentials(name: str, password: str) -> str:
    return json.dumps({"aaaUser": {"attributes": {"name": name, "pwd": password}}})


def test_a_login_gives_a_token_that_opens(client) -> None:
    client.cookies = ""
    response = client.send("POST", "/api/aaaLogin.json", credentials("admin", "marker-password"))
    login = json.loads(response.body)["imdata"][0]["aaaLogin"]["attributes"]
    assert login["refreshTimeoutSeconds"] == "600"
    assert login["version"] == "6.0(9c)"
    client.cookies = response.headers["Set-Cookie"]
    assert client.get("/api/mo/uni.json")
    client.cookies = f"APIC-Cookie={login['token']}"
    assert client.get("/api/mo/uni.json")


@pytest.mark.parametrize("name", ["admin", "apic:local\\admin", "apic#local\\\\admin"])
def test_login_domains(client, name) -> None:
    assert client.send("POST", "/api/aaaLogin.json", credentials(name, "marker-password")).status == 200


@pytest.mark.parametrize(("name", "password"), [("admin", "wrong"), ("nobody", "marker-password"), ("admin", "")])
def test_wrong_credentials(client, name, password) -> None:
    status, code, text = client.refusal("POST", "/api/aaaLogin.json", credentials(name, password))
    assert (status, code) == (401, "401")
    assert text.startswith("User credential is incorrect")


def test_requests_need_a_token_that_has_not_expired(client, make_client) -> None:
    client.cookies = ""
    assert client.get("/api/aaaListDomains.json")[0]["name"] == "DefaultAuth"
    assert client.refusal("GET", "/api/mo/uni.json") == (403, "403", NO_COOKIE)
    client = make_client(token_lifetime=-1)
    assert client.refusal("GET", "/api/mo/uni.json") == (403, "403", "Token was invalid (Error: Token timeout)")


def test_refresh_and_logout(client) -> None:
    response = client.send("GET", "/api/aaaRefresh.json")
    old, client.cookies = client.cookies, response.headers["Set-Cookie"]
    assert client.get("/api/mo/uni.json")
    client.send("POST", "/api/aaaLogout.json", "{}")
    assert client.refusal("GET", "/api/mo/uni.json")[0] == 403
    client.cookies = old
    assert client.get("/api/mo/uni.json")


@pytest.fixture(name="key")
def _key(client) -> rsa.RSAPrivateKey:
    """Return a key whose certificate belongs to the user admin."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "admin")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    client.post("uni/userext/user-admin", mo("aaaUserCert", name="ansible", data=certificate))
    return key


def signed(key: rsa.RSAPrivateKey, request: str) -> str:
    signature = base64.b64encode(key.sign(request.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    return (
        "APIC-Certificate-Algorithm=v1.0; APIC-Certificate-DN=uni/userext/user-admin/usercert-ansible; "
        f"APIC-Certificate-Fingerprint=fingerprint; APIC-Request-Signature={signature}"
    )


def test_a_signed_request(client, key) -> None:
    target = "/api/mo/uni/tn-common.json?rsp-subtree=full"
    client.cookies = signed(key, f"GET{target}")
    assert client.get(target)
    body = json.dumps({"fvTenant": {"attributes": {"name": "signed"}}})
    client.cookies = signed(key, f"POST/api/mo/uni.json{body}")
    assert client.send("POST", "/api/mo/uni.json", body).status == 200
    assert client.refusal("POST", "/api/mo/uni.json", body.replace("signed", "forged"))[0] == 403


def test_a_certificate_that_nobody_has(client, key) -> None:
    client.delete("uni/userext/user-admin/usercert-ansible")
    client.cookies = signed(key, "GET/api/mo/uni.json")
    assert client.refusal("GET", "/api/mo/uni.json")[0] == 403
