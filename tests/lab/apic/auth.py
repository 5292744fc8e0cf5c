"""Authentication: user names and passwords, tokens that expire, and requests signed with a user's certificate."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import time
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from . import errors
from .tree import Tree

COOKIE = "APIC-cookie"
_USER_OF_CERTIFICATE = re.compile(r"uni/userext/user-([^/]+)/usercert-[^/]+")


@dataclass
class Session:
    user: str
    expires: float
    id: str


class Gate:
    """Checks credentials against the users in the tree; tokens live ``lifetime`` seconds."""

    def __init__(self, tree: Tree, lifetime: float = 600) -> None:
        self.lifetime = lifetime
        self._tree = tree
        self._sessions: dict[str, Session] = {}

    def log_in(self, name: str, password: str) -> str:
        """Return a token. Raises error 401 for wrong credentials."""
        user = self._tree.get(f"uni/userext/user-{_local_name(name)}")
        known = user.secrets.get("pwd") if user else None
        if user is None or known is None or not hmac.compare_digest(known.encode(), password.encode()):
            raise errors.wrong_credentials()
        return self.issue(user.values["name"])

    def issue(self, user: str, session: str = "") -> str:
        """Return a token of a session, or else of a new one."""
        token = secrets.token_urlsafe(48)
        self._sessions[token] = Session(user, time.monotonic() + self.lifetime, session or secrets.token_hex(8))
        return token

    def renew(self, cookies: str, user: str) -> str:
        """Return another token of the session of a request."""
        return self.issue(user, self.session_of(cookies))

    def session_of(self, cookies: str) -> str:
        """Return the id of the session of a request; an empty one for a signed request."""
        session = self._sessions.get(_parse_cookies(cookies).get(COOKIE.lower(), ""))
        return session.id if session else ""

    def socket(self, token: str) -> str:
        """Return the id of the session that opens a socket. Raises error 403 without a valid token."""
        session = self._sessions.get(token)
        if session is None or session.expires < time.monotonic():
            raise errors.token_invalid()
        return session.id

    def left(self, session: str) -> float:
        """Return the seconds for which a session will live."""
        ends = [one.expires for one in self._sessions.values() if one.id == session]
        return max(ends, default=0) - time.monotonic()

    def user_of(self, cookies: str, method: str, paths: tuple[str, ...], body: str) -> str:
        """Return the user of a request. ``paths`` are the spellings of its path that the client may have signed.

        Raises error 403 without a valid token or signature.
        """
        crumbs = _parse_cookies(cookies)
        if "apic-request-signature" in crumbs:
            return self._signer(crumbs, method, paths, body)
        token = crumbs.get(COOKIE.lower())
        if token is None:
            raise errors.no_cookie()
        session = self._sessions.get(token)
        if session is None or session.expires < time.monotonic():
            raise errors.token_invalid()
        return session.user

    def log_out(self, cookies: str) -> None:
        self._sessions.pop(_parse_cookies(cookies).get(COOKIE.lower(), ""), None)

    def expire_all(self) -> None:
        self._sessions.clear()

    def _signer(self, crumbs: dict[str, str], method: str, paths: tuple[str, ...], body: str) -> str:
        dn = crumbs.get("apic-certificate-dn", "")
        match = _USER_OF_CERTIFICATE.fullmatch(dn)
        certificate = self._tree.get(dn)
        if match is None or certificate is None:
            raise errors.signature_invalid(f"certificate {dn} not found")
        try:
            key = x509.load_pem_x509_certificate(certificate.values["data"].encode()).public_key()
            signature = base64.b64decode(crumbs["apic-request-signature"], validate=True)
        except ValueError:
            raise errors.signature_invalid("certificate or signature is malformed") from None
        if not isinstance(key, rsa.RSAPublicKey):
            raise errors.signature_invalid("the certificate's key is not an RSA key")
        for path in paths:
            try:
                key.verify(signature, f"{method}{path}{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
            except InvalidSignature:
                continue
            return match.group(1)
        raise errors.signature_invalid("signature does not match")


def _local_name(name: str) -> str:
    r"""Strip a login domain: ``apic:local\admin`` and ``apic#local\\admin`` are ``admin``."""
    return name.rpartition("\\")[2]


def _parse_cookies(header: str) -> dict[str, str]:
    """Read a Cookie header. Clients also send back a whole Set-Cookie, with its path and flags."""
    crumbs: dict[str, str] = {}
    for part in header.split(";"):
        name, found, value = part.strip().partition("=")
        if found:
            crumbs.setdefault(name.lower(), value)
    return crumbs
