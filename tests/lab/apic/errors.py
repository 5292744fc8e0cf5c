"""Error answers of the REST interface, with the status, code and text that APIC uses."""

from __future__ import annotations


class ApicError(Exception):
    """An error answer: HTTP ``status``, APIC's ``code`` and ``text``."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


def bad_request(code: str, text: str) -> ApicError:
    return ApicError(400, code, text)


def unknown_class(cls: str) -> ApicError:
    return bad_request("122", f"unknown managed object class {cls}")


def unresolved_class(cls: str) -> ApicError:
    return bad_request("400", f"Request failed, unresolved class for {cls}")


def unknown_attribute(prop: str, cls: str) -> ApicError:
    return bad_request("400", f"unknown attribute '{prop}' in element '{cls}'")


def attributes_first() -> ApicError:
    return bad_request(
        "400",
        "invalid data at line '1'. Attributes are missing, tag 'attributes' must be specified first, before any other tag",
    )


def incomplete_value() -> ApicError:
    return bad_request("400", "JSON parsing failed - incomplete attribute value at line: 1")


def unknown_value(value: str, prop: str, cls: str, dn: str = "") -> ApicError:
    return bad_request("120", f"unknown property value {value}, name {prop}, class {cls} [(Dn0)] Dn0={dn}, ")


def swallowed_value(value: str, prop: str, cls: str) -> ApicError:
    """Return the error for an unquoted number before another attribute, whose first character APIC's parser drops."""
    return bad_request("120", f"unknown property value {value[1:]}, , name {prop}, class {cls} [(Dn0)] Dn0=, ")


def out_of_range(prop: str, dn: str) -> ApicError:
    return bad_request("801", f"Property {prop} of {dn} is out of range")


def failed_validation(value: str, prop: str, dn: str) -> ApicError:
    return bad_request("801", f"property {prop} of {dn} failed validation for value '{value}'")


def wrong_class_for_dn(dn: str, cls: str) -> ApicError:
    return bad_request("400", f"Invalid request. dn '{dn}' is not valid for class {cls}")


def cannot_contain(rn: str, dn: str) -> ApicError:
    return bad_request("400", f"Invalid request. Can not contain child '{rn}' under parent '{dn}'")


def invalid_rn(rn: str) -> ApicError:
    return bad_request("104", f"Invalid RN {rn}")


def invalid_dn(dn: str, rn: str, position: int) -> ApicError:
    return bad_request("104", f"Invalid DN {dn}, wrong rn prefix {rn} at position {position}")


def property_not_found(prop: str, cls: str) -> ApicError:
    return bad_request("121", f"Prop '{prop}' not found in class '{cls}' property table")


def class_not_found(cls: str) -> ApicError:
    return bad_request("122", f"class {cls} not found")


def object_not_found(dn: str) -> ApicError:
    return bad_request("102", f"configured object ((Dn0)) not found Dn0={dn}, ")


def already_attached(cls: str, dn: str, rn: str) -> ApicError:
    return bad_request("103", f"child (Rn) of class {cls} is already attached. dn[(Dn0)] Dn0={dn}, Rn0={rn}, ")


def create_only(cls: str, prop: str) -> ApicError:
    return bad_request(
        "105", f"Create-only and naming props cannot be modified after creation, class={cls}, prop={prop}"
    )


def admin_implicit(cls: str, prop: str) -> ApicError:
    return bad_request("170", f"Admin implicit props cannot be modified, class={cls}, prop={prop}")


def undeletable(cls: str, dn: str) -> ApicError:
    return bad_request("107", f"Cannot delete object of class:{cls} dn:{dn}")


def invalid_configuration(text: str) -> ApicError:
    return bad_request("1", f"Invalid Configuration {text}")


def validation_failed(text: str) -> ApicError:
    return bad_request("100", f"Validation failed: {text}")


def bad_query(text: str) -> ApicError:
    return bad_request("400", text)


def too_big() -> ApicError:
    return bad_request("1", "Unable to process the query, result dataset is too big")


def wrong_credentials() -> ApicError:
    return ApicError(401, "401", "User credential is incorrect - FAILED local authentication")


def no_cookie() -> ApicError:
    return ApicError(
        403,
        "403",
        "Need a valid webtoken cookie (named APIC-Cookie) or a signed request with signature in the cookie "
        "APIC-Request-Signature for all REST API requests",
    )


def token_invalid() -> ApicError:
    return ApicError(403, "403", "Token was invalid (Error: Token timeout)")


def signature_invalid(reason: str) -> ApicError:
    return ApicError(403, "403", f"Certificate signature verification failed: {reason}")
