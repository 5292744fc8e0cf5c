"""Error answers of the REST interface, with the status, code and text that APIC uses."""

from __future__ import annotations

from dataclasses import dataclass


class ApicError(Exception):
    """An error answer: HTTP ``status``, APIC's ``code`` and ``text``."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


@dataclass(frozen=True)
class Answer:
    """The template of an error answer; a call fills in its values."""

    code: str
    text: str
    status: int = 400

    def __call__(self, *values: object) -> ApicError:
        return ApicError(self.status, self.code, self.text.format(*values))


def bad_request(code: str, text: str) -> ApicError:
    return ApicError(400, code, text)


def unknown_value(value: str, prop: str, cls: str, dn: str = "") -> ApicError:
    return bad_request("120", f"unknown property value {value}, name {prop}, class {cls} [(Dn0)] Dn0={dn}, ")


def swallowed_value(value: str, prop: str, cls: str) -> ApicError:
    """Return the error for an unquoted number before another attribute, whose first character APIC's parser drops."""
    return bad_request("120", f"unknown property value {value[1:]}, , name {prop}, class {cls} [(Dn0)] Dn0=, ")


bad_query = Answer("400", "{}")
unknown_class = Answer("122", "unknown managed object class {}")
unresolved_class = Answer("400", "Request failed, unresolved class for {}")
unknown_attribute = Answer("400", "unknown attribute '{}' in element '{}'")
attributes_first = Answer(
    "400", "invalid data at line '1'. Attributes are missing, tag 'attributes' must be specified first, before any other tag"
)
incomplete_value = Answer("400", "JSON parsing failed - incomplete attribute value at line: 1")
out_of_range = Answer("801", "Property {} of {} is out of range")
failed_validation = Answer("801", "property {1} of {2} failed validation for value '{0}'")
wrong_class_for_dn = Answer("400", "Invalid request. dn '{}' is not valid for class {}")
cannot_contain = Answer("400", "Invalid request. Can not contain child '{}' under parent '{}'")
invalid_rn = Answer("104", "Invalid RN {}")
invalid_dn = Answer("104", "Invalid DN {}, wrong rn prefix {} at position {}")
property_not_found = Answer("121", "Prop '{}' not found in class '{}' property table")
class_not_found = Answer("122", "class {} not found")
object_not_found = Answer("102", "configured object ((Dn0)) not found Dn0={}, ")
already_attached = Answer("103", "child (Rn) of class {} is already attached. dn[(Dn0)] Dn0={}, Rn0={}, ")
create_only = Answer("105", "Create-only and naming props cannot be modified after creation, class={}, prop={}")
admin_implicit = Answer("170", "Admin implicit props cannot be modified, class={}, prop={}")
undeletable = Answer("107", "Cannot delete object of class:{} dn:{}")
invalid_configuration = Answer("1", "Invalid Configuration {}")
validation_failed = Answer("100", "Validation failed: {}")
too_big = Answer("1", "Unable to process the query, result dataset is too big")
wrong_credentials = Answer("401", "User credential is incorrect - FAILED local authentication", 401)
write_forbidden = Answer("403", "User {} has no write access to class {}, dn {}", 403)
no_cookie = Answer(
    "403",
    "Need a valid webtoken cookie (named APIC-Cookie) or a signed request with signature in the cookie "
    "APIC-Request-Signature for all REST API requests",
    403,
)
token_invalid = Answer("403", "Token was invalid (Error: Token timeout)", 403)
signature_invalid = Answer("403", "Certificate signature verification failed: {}", 403)
