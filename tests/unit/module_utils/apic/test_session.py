"""One request after the other: late login, retries, other controllers, and all of it counted."""

from __future__ import annotations

import io
import json
from http.client import IncompleteRead
from types import SimpleNamespace

import pytest
from ansible.module_utils import urls
from ansible.module_utils.connection import ConnectionError as PluginError

from ansible_collections.netops.aci_calico.plugins.module_utils.apic import session as session_module
from ansible_collections.netops.aci_calico.plugins.module_utils.apic.session import ApicError, OutcomeUnknown, Session
from lab.apic.server import ApicServer

OK = (200, {"imdata": [{"fvTenant": {"attributes": {"dn": "uni/tn-t"}}}]})
BUSY = (503, {"imdata": [{"error": {"attributes": {"code": "503", "text": "Resolve timeout"}}}]})
SLOW_DOWN = (429, {"imdata": []})
EXPIRED = (403, {"imdata": [{"error": {"attributes": {"code": "403", "text": "Token was invalid (Error: Token timeout)"}}}]})
DROPPED = (-1, None)


class Failed(Exception):
    """The module gave up."""


def module(**params):
    def fail(msg, **_details):
        raise Failed(msg)

    given = {"host": "apic1", "username": "joe", "password": "pw", "private_key": None, "port": None, "use_ssl": None, **params}
    return SimpleNamespace(params=given, _socket_path=None, _debug=False, warn=print, fail_json=fail)


class Scripted(Session):
    """Logins succeed unless ``logins`` says otherwise; other requests get the ``answers`` one after the other."""

    def __init__(self, answers=(), logins=(), secrets=(), **params):
        self.sent = []
        self.answers = list(answers)
        self.logins = list(logins)
        super().__init__(module(**params), secrets)

    def api_call(self, method, url, data=None, return_response=False):
        assert return_response
        self.sent.append((method, url, self.headers.get("Cookie")))
        is_login = url.endswith("aaaLogin.json")
        script = self.logins if is_login else self.answers
        status, body = (script.pop(0) if script else OK)[:2]
        info = {"status": status, "msg": f"status {status}"}
        if status == -1:
            return None, info
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = io.BytesIO(content)
        response.headers = {"Set-Cookie": f"token-{len(self.sent)}"}
        if status != 200:
            info["body"] = content
        return response, info


@pytest.fixture(autouse=True)
def slept(monkeypatch):
    pauses = []
    monkeypatch.setattr(session_module.time, "sleep", pauses.append)
    return pauses


def test_login_is_late_and_once():
    session = Scripted()
    assert session.sent == []
    assert session.get("/api/mo/uni.json") == OK[1]["imdata"]
    session.get("/api/mo/uni.json")
    assert [url for _method, url, _cookie in session.sent] == [
        "https://apic1/api/aaaLogin.json",
        "https://apic1/api/mo/uni.json",
        "https://apic1/api/mo/uni.json",
    ]
    assert session.sent[-1][2] == "token-1"
    assert session.counted() == {"login": 1, "get": 2, "post": 0, "retries": 0, "total": 3}


def test_login_tells_privileges():
    entries = [
        {"DnDomainMapEntry": {"attributes": {"dn": "uni/tn-a", "writePrivileges": "ops,tenant-epg"}}},
        {"DnDomainMapEntry": {"attributes": {"dn": "uni/tn-b", "writePrivileges": ""}}},
        {"aaaUserDomain": {"attributes": {"name": "all", "rolesW": "admin"}}},
        {"aaaUserDomain": {"attributes": {"name": "team", "rolesW": "admin"}}},
    ]
    login = (200, {"imdata": [{"aaaLogin": {"attributes": {}, "children": entries}}]})
    session = Scripted(logins=[login])
    assert session.privileges is None
    session.get("/api/mo/uni.json")
    assert session.privileges == {"uni/tn-a": ["ops", "tenant-epg"], "uni/tn-b": [], "uni": ["admin"]}


def test_user_without_rights_is_not_asked_for_another_password():
    refusal = (403, {"imdata": [{"error": {"attributes": {"code": "403", "text": "No write access to class fvCtx"}}}]})
    with pytest.raises(ApicError) as caught:
        Scripted([refusal, refusal]).post("/api/mo/uni.json", "{}")
    assert (caught.value.status, caught.value.cause) == (403, None)


@pytest.mark.parametrize("bad", [BUSY, SLOW_DOWN, DROPPED, (502, None), (200, "no json object")])
def test_get_is_tried_again(bad, slept):
    session = Scripted([bad, bad])
    assert session.get("/api/mo/uni.json")
    assert session.counted() == {"login": 1, "get": 3, "post": 0, "retries": 2, "total": 4}
    assert sum(slept) > 0


def test_answer_that_breaks_off_is_none(monkeypatch):
    session = Scripted()

    class Broken(io.BytesIO):
        headers = {}

        def read(self, *_args):
            raise IncompleteRead(b"")

    answers = iter([(Broken(), {"status": 200, "msg": "OK"})])
    call = Scripted.api_call
    session.get("/api/mo/uni.json")
    monkeypatch.setattr(Scripted, "api_call", lambda self, *args, **more: next(answers, None) or call(self, *args, **more))
    assert session.get("/api/mo/uni.json")
    assert session.counted()["retries"] == 1


def test_get_is_given_up_in_the_end(slept):
    session = Scripted([BUSY] * 20)
    with pytest.raises(ApicError, match="read uni/tn-t: APIC error 503: Resolve timeout"):
        session.get("/api/mo/uni/tn-t.json?rsp-subtree=full")
    assert session.counted()["get"] == len(session_module.PAUSES)
    assert sum(slept) < 10


def test_post_without_an_answer_is_not_sent_again_blindly():
    for bad in (BUSY, DROPPED, (504, None)):
        session = Scripted([bad])
        with pytest.raises(OutcomeUnknown):
            session.post("/api/mo/uni.json", "{}")
        assert session.counted()["post"] == 1


def test_post_that_was_turned_away_is_sent_again():
    session = Scripted([SLOW_DOWN])
    assert session.post("/api/mo/uni.json", "{}")
    assert session.counted()["post"] == 2


def test_apic_says_how_long_to_wait(slept, monkeypatch):
    session = Scripted([SLOW_DOWN])
    call = Scripted.api_call

    def hinting(self, *args, **more):
        response, info = call(self, *args, **more)
        return response, {**info, "retry-after": "3"} if info["status"] == 429 else info

    monkeypatch.setattr(Scripted, "api_call", hinting)
    session.get("/api/mo/uni.json")
    assert 3 in slept


@pytest.mark.parametrize("kind", ["get", "post"])
def test_expired_token_is_renewed_once(kind):
    session = Scripted([OK, EXPIRED])
    session.get("/api/mo/uni.json")
    session.post("/api/mo/uni.json", "{}") if kind == "post" else session.get("/api/mo/uni.json")
    assert session.counted()["login"] == 2
    assert session.counted()["retries"] == 1
    session = Scripted([EXPIRED, EXPIRED])
    with pytest.raises(ApicError, match="Token was invalid"):
        session.get("/api/mo/uni.json")


def test_refusal_is_final_and_names_the_object():
    refusal = {"error": {"attributes": {"code": "102", "text": "configured object ((Dn0)) not found Dn0=uni/tn-x, "}}}
    session = Scripted([(400, {"imdata": [refusal]})])
    with pytest.raises(ApicError) as caught:
        session.post("/api/mo/uni/tn-x/out-o.json", "{}")
    assert (caught.value.code, caught.value.dn, caught.value.status) == ("102", "uni/tn-x", 400)
    assert session.counted()["post"] == 1


@pytest.mark.parametrize(
    ("text", "dn"),
    [
        ("Property mtu of uni/tn-t/out-o is out of range", "uni/tn-t/out-o"),
        ("property name of uni/tn-t/out-o failed validation for value 'x y'", "uni/tn-t/out-o"),
        ("Invalid request. Can not contain child 'x' under parent 'uni/tn-t'", "uni/tn-t"),
        ("Something else", None),
    ],
)
def test_object_that_a_text_names(text, dn):
    session = Scripted([(400, {"imdata": [{"error": {"attributes": {"code": "1", "text": text}}}]})])
    with pytest.raises(ApicError) as caught:
        session.post("/api/mo/uni.json", "{}")
    assert caught.value.dn == dn


def test_secrets_are_in_no_error():
    refusal = {"error": {"attributes": {"code": "801", "text": "failed validation for value 's3cret'"}}}
    session = Scripted([(400, {"imdata": [refusal]})], secrets=["s3cret", ""])
    with pytest.raises(ApicError) as caught:
        session.post("/api/mo/uni.json", "{}")
    assert "s3cret" not in str(caught.value) + caught.value.text
    assert "(hidden)" in caught.value.text


def test_wrong_password_is_not_tried_again():
    refusal = {"error": {"attributes": {"code": "401", "text": "Username or password is incorrect"}}}
    session = Scripted(logins=[(401, {"imdata": [refusal]})])
    with pytest.raises(ApicError, match="log in to https://apic1 as joe: APIC error 401: Username or password"):
        session.get("/api/mo/uni.json")
    assert session.counted()["login"] == 1


def test_login_is_tried_again():
    session = Scripted(logins=[DROPPED, BUSY])
    assert session.get("/api/mo/uni.json")
    assert session.counted() == {"login": 3, "get": 1, "post": 0, "retries": 2, "total": 4}


@pytest.mark.parametrize("hosts", ["apic1,apic2", "apic1, apic2", "['apic1', 'apic2']"])
def test_next_controller_gets_its_turn_with_its_own_login(hosts):
    session = Scripted([OK, DROPPED], host=hosts, port=8443)
    session.get("/api/mo/uni.json")
    session.get("/api/mo/uni.json")
    assert [(url.split("/")[2], url.endswith("aaaLogin.json")) for _method, url, _cookie in session.sent] == [
        ("apic1:8443", True),
        ("apic1:8443", False),
        ("apic1:8443", False),
        ("apic2:8443", True),
        ("apic2:8443", False),
    ]


def test_a_host_is_needed():
    with pytest.raises(Failed, match="host is required"):
        Scripted(host=None)


def test_a_password_or_key_is_needed():
    with pytest.raises(Failed, match="password"):
        Scripted(password=None)


class Plugin:
    """The connection plugin as the module sees it: it logs in and switches hosts by itself, and says so in its log."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.messages = []
        self.params = None

    def set_params(self, params):
        self.params = params

    def send_request(self, method, path, data):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        said, status = answer
        self.messages = [("debug", text) for text in said]
        return {"status": status, "url": f"https://apic{path}", "msg": "", "error": {}, "body": '{"imdata": []}'}

    def pop_messages(self):
        return self.messages


class OverPlugin(Session):
    def __init__(self, plugin):
        self.plugin = plugin
        super().__init__(module(host=None, password=None, roots=["big"], secrets={"a": "b"}))

    def set_connection(self):
        self.connection = self.plugin


def test_connection_plugin_logs_in_and_is_counted():
    first = ["Establishing login for joe to apic", "Sending GET request to x", "Received response"]
    again = [
        "Sending GET request to x",
        "Connection to apic has failed",
        "Establishing login for joe to apic2",
        "Sending GET request",
    ]
    renewed = [
        "Sending POST request to x",
        "Failed to receive response from apic with HTTP Error 403: Forbidden",
        "Establishing login for",
    ]
    plugin = Plugin([(first, 200), (again, 200), (renewed, 200)])
    session = OverPlugin(plugin)
    session.get("/api/mo/uni.json")
    session.get("/api/mo/uni.json")
    session.post("/api/mo/uni.json", "{}")
    assert session.counted() == {"login": 3, "get": 3, "post": 2, "retries": 2, "total": 8}


def test_connection_plugin_gets_neither_tree_nor_secrets():
    plugin = Plugin([([], 200)])
    OverPlugin(plugin).get("/api/mo/uni.json")
    assert not {"roots", "secrets"} & set(plugin.params)


@pytest.mark.parametrize("answer", [([], ""), PluginError("the plugin is gone")])
def test_connection_plugin_without_an_answer(answer):
    plugin = Plugin([answer, ([], 200)])
    assert OverPlugin(plugin).get("/api/mo/uni.json") == []
    with pytest.raises(OutcomeUnknown):
        OverPlugin(Plugin([answer])).post("/api/mo/uni.json", "{}")


def test_wrong_password_at_the_connection_plugin_is_not_tried_again():
    class Refusing(Plugin):
        def send_request(self, method, path, data):
            return {**super().send_request(method, path, data), "msg": "HTTP Error 401: Unauthorized", "body": None}

    session = OverPlugin(Refusing([(["Establishing login for joe to apic"], ""), ([], 200)]))
    with pytest.raises(ApicError, match="HTTP status 401"):
        session.get("/api/mo/uni.json")
    assert session.counted()["login"] == 1


def test_a_page_may_have_fewer_objects_than_there_are():
    page = [(200, {"imdata": [tenant()], "totalCount": "7"})]
    assert len(Scripted(page).get("/api/class/fvTenant.json?page=0&page-size=1")) == 1


def tenant(**attributes):
    return {"fvTenant": {"attributes": {"dn": "uni/tn-t", **attributes}}}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>Sign in\x1b[2J</html>", r'returned no JSON object: "<html>Sign in\u001b[2J</html>"'),
        (b'{"imdata": [', 'returned no JSON object: "{\\"imdata\\": ["'),
        ({"imdata": None}, "returned JSON without a list imdata"),
        ({"imdata": ["fvTenant", "fvCtx"]}, "an imdata that does not consist of objects"),
        ({"imdata": [{"fvTenant": {"attributes": {"dn": None}}}]}, "an imdata that does not consist of objects"),
        ({"imdata": [{"fvTenant": {"attributes": {}}}]}, "objects without a DN"),
        ({"imdata": [tenant()], "totalCount": "7"}, "1 of 7 objects (totalCount)"),
        ({"imdata": [], "totalCount": "1"}, "0 of 1 objects (totalCount)"),
        ([1], "no JSON object"),
    ],
)
def test_an_answer_that_is_not_apics_is_none(body, said):
    """Each was an empty fabric, a traceback, or "no answer: OK"."""
    session = Scripted([(200, body)] * 6)
    with pytest.raises(ApicError) as caught:
        session.get("/api/mo/uni/tn-t.json?rsp-subtree=full")
    assert str(caught.value).startswith("read uni/tn-t: HTTP status 200: https://apic1/api/mo/uni/tn-t.json returned ")
    assert said in str(caught.value)
    assert caught.value.details()["cause"] == "answer"
    with pytest.raises(OutcomeUnknown):
        Scripted([(200, b"<html>")]).post("/api/mo/uni.json", "{}")
    assert Scripted([(200, body), OK]).get("/api/mo/uni.json"), "it is read again"


@pytest.mark.parametrize(
    ("message", "said", "cause"),
    [
        ("Request failed: <urlopen error [Errno -2] Name or service not known>", "Name or service not known", "unreachable"),
        ("Connection failure: The read operation timed out", "The read operation timed out", "unreachable"),
        (
            "Request failed: <urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired"
            " (_ssl.c:1006)>",
            "certificate verify failed: certificate has expired",
            "certificate",
        ),
        (
            "Request failed: <urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch,"
            " certificate is not valid for 'apic1'. (_ssl.c:1006)>",
            "certificate verify failed: Hostname mismatch, certificate is not valid for 'apic1'.",
            "certificate",
        ),
    ],
)
def test_each_controller_that_does_not_answer_is_named(monkeypatch, message, said, cause):
    monkeypatch.setattr(Scripted, "api_call", lambda *_args, **_more: (None, {"status": -1, "msg": message}))
    with pytest.raises(ApicError) as caught:
        Scripted(host="apic1,apic2").get("/api/mo/uni.json")
    assert str(caught.value) == f"read uni: no answer: apic1: {said}; apic2: {said}"
    assert caught.value.cause == cause
    with pytest.raises(ApicError, match="read uni: no answer: apic1: "):
        Scripted().get("/api/mo/uni.json")


def test_a_certificate_of_an_unknown_authority_is_told(one_tls_context):
    """Ask the emulator over HTTPS, whose authority this machine does not know."""
    with ApicServer(https=True) as server:
        asking = module(host="127.0.0.1", port=server.port, use_ssl=True, validate_certs=True, use_proxy=False)
        asking.tmpdir = None
        with pytest.raises(ApicError) as caught:
            Session(asking).get("/api/mo/uni.json")
    assert (caught.value.cause, caught.value.host) == ("certificate", "127.0.0.1")
    assert "certificate verify failed" in str(caught.value)


@pytest.mark.parametrize(
    ("answers", "logins", "cause"),
    [
        ([BUSY] * 9, [], "busy"),
        ([EXPIRED] * 9, [], "login"),
        ([], [(401, {"imdata": []})], "login"),
        ([(400, {"imdata": []})], [], None),
        ([(400, {"imdata": ["no error"]})], [], None),
        ([(503, {"imdata": [{"error": None}]})] * 9, [], "busy"),
    ],
)
def test_a_cause_of_all_failures_is_told_from_a_refusal(answers, logins, cause):
    with pytest.raises(ApicError) as caught:
        Scripted(answers, logins).get("/api/mo/uni.json")
    assert caught.value.cause == cause


def test_a_token_that_a_server_repeats_is_hidden():
    session = Scripted([OK, (400, b"Cookie: token-secret-1; path=/")])
    session.get("/api/mo/uni.json")
    session._keep_login("APIC-cookie=token-secret-1; path=/")
    with pytest.raises(ApicError) as caught:
        session.get("/api/mo/uni.json")
    assert "secret-1" not in str(caught.value)


def test_a_password_that_apic_returns_is_dropped():
    peer = {"bgpPeerP": {"attributes": {"rn": "peerP-[x]", "addr": "x", "password": "correct-horse"}}}
    out = {"l3extOut": {"attributes": {"dn": "uni/tn-t/out-o"}, "children": [peer]}}
    assert "correct-horse" not in str(Scripted([(200, {"imdata": [out]})]).get("/api/mo/uni/tn-t/out-o.json"))


def test_requests_share_a_tls_context(monkeypatch):
    made = []
    monkeypatch.setattr(urls, "make_context", lambda *_args, **options: made.append(options) or object())
    Scripted(), Scripted()
    first = urls.make_context(validate_certs=False, cafile=None)
    assert urls.make_context(cafile=None, validate_certs=False) is first
    assert urls.make_context(cafile=None, validate_certs=True) is not first
    assert len(made) == 2
