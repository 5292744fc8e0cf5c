# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Managed-object classes of APIC: their names, their containers, and values that APIC treats as equal.

The data come from the APIC object model (release 6.0): relative-name format, naming properties, containers, objects that
exist as long as their parent, and the forms in which APIC returns a value. A class that is not listed works too if its
relative name is given (attribute ``rn`` or ``dn``) or part of APIC's reply.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

# ``class: (rn format, containers)``. A trailing ``!`` marks an object that exists with its parent and cannot be deleted.
_TABLE = """
polUni                       uni!
fvTenant                     tn-{name}                                     polUni
fvCtx                        ctx-{name}                                    fvTenant
fvRsBgpCtxPol                rsbgpCtxPol!                                  fvCtx
fvRsCtxToBgpCtxAfPol         rsctxToBgpCtxAfPol-[{tnBgpCtxAfPolName}]-{af} fvCtx
fvAp                         ap-{name}                                     fvTenant
fvAEPg                       epg-{name}                                    fvAp
fvBD                         BD-{name}                                     fvTenant
fvSubnet                     subnet-[{ip}]                                 fvAEPg fvBD
fvRsBd                       rsbd!                                         fvAEPg
fvRsCtx                      rsctx!                                        fvBD
fvRsBDToOut                  rsBDToOut-{tnL3extOutName}                    fvBD
fvRsDomAtt                   rsdomAtt-[{tDn}]                              fvAEPg
fvRsPathAtt                  rspathAtt-[{tDn}]                             fvAEPg
fvRsCustQosPol               rscustQosPol!                                 fvAEPg l3extInstP
fvRsCons                     rscons-{tnVzBrCPName}                         fvAEPg l3extInstP
fvRsConsIf                   rsconsIf-{tnVzCPIfName}                       fvAEPg l3extInstP
fvRsIntraEpg                 rsintraEpg-{tnVzBrCPName}                     fvAEPg l3extInstP
fvRsProtBy                   rsprotBy-{tnVzTabooName}                      fvAEPg l3extInstP
fvRsProv                     rsprov-{tnVzBrCPName}                         fvAEPg l3extInstP
fvRsSecInherited             rssecInherited-[{tDn}]                        fvAEPg l3extInstP
bfdIfPol                     bfdIfPol-{name}                               fvTenant
bfdIfP                       bfdIfP                                        l3extLIfP
bfdRsIfPol                   rsIfPol!                                      bfdIfP
bgpBestPathCtrlPol           bestpath-{name}                               fvTenant
bgpCtxAfPol                  bgpCtxAfP-{name}                              fvTenant
bgpCtxPol                    bgpCtxP-{name}                                fvTenant
bgpPeerPfxPol                bgpPfxP-{name}                                fvTenant
bgpRtSummPol                 bgprtsum-{name}                               fvTenant
bgpExtP                      bgpExtP                                       l3extOut
bgpProtP                     protp                                         l3extLNodeP
bgpRsBestPathCtrlPol         rsBestPathCtrlPol                             bgpProtP
bgpRsBgpNodeCtxPol           rsbgpNodeCtxPol!                              bgpProtP
bgpPeerP                     peerP-[{addr}]                                l3extLNodeP l3extRsPathL3OutAtt l3extVirtualLIfP
bgpAsP                       as                                            bgpPeerP
bgpLocalAsnP                 localasn                                      bgpPeerP
bgpRsPeerPfxPol              rspeerPfxPol!                                 bgpPeerP
bgpRsPeerToProfile           rspeerToProfile-[{tDn}]-{direction}           bgpPeerP
bgpSiteOfOriginP             soo                                           bgpPeerP
l3extOut                     out-{name}                                    fvTenant
l3extRsEctx                  rsectx!                                       l3extOut
l3extRsL3DomAtt              rsl3DomAtt                                    l3extOut
l3extRsDampeningPol          rsdampeningPol-[{tnRtctrlProfileName}]-{af}   l3extOut
l3extRsInterleakPol          rsinterleakPol                                l3extOut
l3extRsRedistributePol       rsredistributePol-[{tnRtctrlProfileName}]-{src} l3extOut
l3extDefaultRouteLeakP       defrtleak                                     l3extOut
l3extLNodeP                  lnodep-{name}                                 l3extOut
l3extRsNodeL3OutAtt          rsnodeL3OutAtt-[{tDn}]                        l3extLNodeP
l3extInfraNodeP              infranodep                                    l3extRsNodeL3OutAtt
l3extLoopBackIfP             lbp-[{addr}]                                  l3extRsNodeL3OutAtt
l3extLIfP                    lifp-{name}                                   l3extLNodeP
l3extRsArpIfPol              rsArpIfPol!                                   l3extLIfP
l3extRsEgressQosDppPol       rsegressQosDppPol!                            l3extLIfP
l3extRsIngressQosDppPol      rsingressQosDppPol!                           l3extLIfP
l3extRsLIfPCustQosPol        rslIfPCustQosPol!                             l3extLIfP
l3extRsNdIfPol               rsNdIfPol!                                    l3extLIfP
l3extRsPathL3OutAtt          rspathL3OutAtt-[{tDn}]                        l3extLIfP
l3extVirtualLIfP             vlifp-[{nodeDn}]-[{encap}]                    l3extLIfP
l3extRsDynPathAtt            rsdynPathAtt-[{tDn}]                          l3extVirtualLIfP
l3extVirtualLIfPLagPolAtt    vlifplagpolatt                                l3extRsDynPathAtt
l3extRsVSwitchEnhancedLagPol rsvSwitchEnhancedLagPol-[{tDn}]               l3extVirtualLIfPLagPolAtt
l3extMember                  mem-{side}                                    l3extRsPathL3OutAtt l3extVirtualLIfP
l3extIp                      addr-[{addr}]            l3extMember l3extRsDynPathAtt l3extRsPathL3OutAtt l3extVirtualLIfP
l3extBdProfileCont           bdprofilecont                                 l3extRsPathL3OutAtt l3extVirtualLIfP
l3extRsBdProfile             rsbdProfile                                   l3extBdProfileCont
l3extInstP                   instP-{name}                                  l3extOut
l3extRsInstPToNatMappingEPg  rsInstPToNatMappingEPg                        l3extInstP
l3extRsInstPToProfile        rsinstPToProfile-[{tnRtctrlProfileName}]-{direction} l3extInstP
l3extSubnet                  extsubnet-[{ip}]                              l3extInstP
l3extRsSubnetToProfile       rssubnetToProfile-[{tnRtctrlProfileName}]-{direction} l3extSubnet
l3extRsSubnetToRtSumm        rsSubnetToRtSumm                              l3extSubnet
rtctrlAttrP                  attr-{name}                                   fvTenant
rtctrlSetNhUnchanged         nhunchanged                                   rtctrlAttrP
rtctrlSetRedistMultipath     redistmpath                                   rtctrlAttrP
rtctrlProfile                prof-{name}                                   fvTenant l3extOut
rtctrlCtxP                   ctx-{name}                                    rtctrlProfile
rtctrlRsCtxPToSubjP          rsctxPToSubjP-{tnRtctrlSubjPName}             rtctrlCtxP
rtctrlScope                  scp                                           rtctrlCtxP
rtctrlRsScopeToAttrP         rsScopeToAttrP!                               rtctrlScope
rtctrlSubjP                  subj-{name}                                   fvTenant
rtctrlMatchRtDest            dest-[{ip}]                                   rtctrlSubjP
vzAny                        any!                                          fvCtx
vzRsAnyToCons                rsanyToCons-{tnVzBrCPName}                    vzAny
vzRsAnyToProv                rsanyToProv-{tnVzBrCPName}                    vzAny
vzBrCP                       brc-{name}                                    fvTenant
vzSubj                       subj-{name}                                   vzBrCP
vzRsSubjFiltAtt              rssubjFiltAtt-{tnVzFilterName}                vzSubj
vzRsSubjGraphAtt             rsSubjGraphAtt                                vzSubj
vzCPIf                       cif-{name}                                    fvTenant
vzRsIf                       rsif                                          vzCPIf
vzFilter                     flt-{name}                                    fvTenant
vnsAbsGraph                  AbsGraph-{name}                               fvTenant
vzEntry                      e-{name}                                      vzFilter
physDomP                     phys-{name}                                   polUni
l3extDomP                    l3dom-{name}                                  polUni
infraRsVlanNs                rsvlanNs                                      l3extDomP physDomP
infraInfra                   infra!                                        polUni
fvnsVlanInstP                vlanns-[{name}]-{allocMode}                   infraInfra
fvnsEncapBlk                 from-[{from}]-to-[{to}]                       fvnsVlanInstP
lacpLagPol                   lacplagp-{name}                               infraInfra
infraAttEntityP              attentp-{name}                                infraInfra
infraRsDomP                  rsdomP-[{tDn}]                                infraAttEntityP
infraFuncP                   funcprof!                                     infraInfra
infraAccBndlGrp              accbundle-{name}                              infraFuncP
infraRsAttEntP               rsattEntP                                     infraAccBndlGrp
infraRsCdpIfPol              rscdpIfPol!                                   infraAccBndlGrp
infraRsHIfPol                rshIfPol!                                     infraAccBndlGrp
infraRsL2IfPol               rsl2IfPol!                                    infraAccBndlGrp
infraRsLacpPol               rslacpPol!                                    infraAccBndlGrp
infraRsLldpIfPol             rslldpIfPol!                                  infraAccBndlGrp
infraRsMcpIfPol              rsmcpIfPol!                                   infraAccBndlGrp
infraRsStpIfPol              rsstpIfPol!                                   infraAccBndlGrp
infraAccPortP                accportprof-{name}                            infraInfra
infraHPortS                  hports-{name}-typ-{type}                      infraAccPortP
infraPortBlk                 portblk-{name}                                infraHPortS
infraRsAccBaseGrp            rsaccBaseGrp                                  infraHPortS
infraNodeP                   nprof-{name}                                  infraInfra
infraLeafS                   leaves-{name}-typ-{type}                      infraNodeP
infraNodeBlk                 nodeblk-{name}                                infraLeafS
infraRsAccPortP              rsaccPortP-[{tDn}]                            infraNodeP
tagAnnotation                annotationKey-[{key}]
tagTag                       tagKey-{key}
"""

# Containers that APIC creates below a tenant; without an annotation they are not part of anybody's configuration.
_IMPLICIT_UNLISTED = frozenset({"extdevSDWanPolCont", "fvConnInstrPol", "vnsSvcCont"})

# Classes of which a parent can hold only one object for each value of this property, although the name allows more.
ONE_PER = {"fvRsCtxToBgpCtxAfPol": "af"}

# Properties, other than naming ones, that cannot change while the object exists.
CREATE_ONLY = frozenset({("l3extRsPathL3OutAtt", "isMultiPodDirect"), ("fvRsDomAtt", "delimiter")})

# Properties that APIC accepts and never returns.
SECURE_OF = {"bgpPeerP": ("password",), "bfdIfP": ("key",)}
SECURE = frozenset((cls, name) for cls, names in SECURE_OF.items() for name in names)


class MoClass:
    """A class of the object model: its name, relative-name format, naming properties and containers."""

    __slots__ = ("implicit", "name", "naming", "parents", "pattern", "rn_format")

    def __init__(self, name: str, rn_format: str, parents: Iterable[str]) -> None:
        self.name = name
        self.implicit = rn_format.endswith("!")
        self.rn_format = rn_format.rstrip("!")
        self.parents = frozenset(parents)
        self.naming = tuple(re.findall(r"{(\w+)}", self.rn_format))
        self.pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(self.rn_format)))

    def rn(self, attributes: Mapping[str, Any]) -> str | None:
        """Return the relative name made of the naming properties, or None when one of them is missing."""
        try:
            return self.rn_format.format_map({name: canonical(name, attributes[name]) for name in self.naming})
        except KeyError:
            return None

    def naming_of(self, rn: str) -> dict[str, str] | None:
        """Return the naming properties in a relative name, or None when the name is not one of this class."""
        match = self.pattern.fullmatch(rn)
        return match.groupdict() if match else None


CLASSES = {row[0]: MoClass(row[0], row[1], row[2:]) for row in map(str.split, _TABLE.strip().splitlines())}
_BELOW: dict[str, list[MoClass]] = {}
for _mo_class in CLASSES.values():
    for _parent in _mo_class.parents:
        _BELOW.setdefault(_parent, []).append(_mo_class)


def naming(cls: str) -> tuple[str, ...]:
    """Return the naming properties of a class, none where it is not listed."""
    return CLASSES[cls].naming if cls in CLASSES else ()


def rn_from(cls: str, attributes: Mapping[str, Any]) -> str | None:
    """Return the relative name made of the naming properties; None where one is missing or the class is not listed."""
    return CLASSES[cls].rn(attributes) if cls in CLASSES else None


def is_implicit(cls: str) -> bool:
    """Return whether objects of the class exist as long as their parent: they are neither created nor deleted."""
    return cls in _IMPLICIT_UNLISTED or (cls in CLASSES and CLASSES[cls].implicit)


def is_relation(cls: str) -> bool:
    """Return whether the class is a relation source (``fvRsCtx``, ``l3extRsEctx``) by the object model's naming rule."""
    return re.match(r"[a-z0-9]+Rs[A-Z]", cls) is not None


def is_tag(cls: str) -> bool:
    """Return whether the class is a label on another object; labels have no owner of their own."""
    return cls.startswith("tag")


def is_report(cls: str) -> bool:
    """Return whether objects of the class are APIC's faults or health of the object above them."""
    return cls.startswith(("fault", "health"))


# --- names -----------------------------------------------------------------------------------------------------------


def split_dn(dn: str) -> list[str]:
    """Split a DN into its relative names; a slash between brackets is not a separator.

    >>> split_dn("uni/tn-t/rs-[topology/pod-1]/x")
    ['uni', 'tn-t', 'rs-[topology/pod-1]', 'x']
    """
    parts, depth, start = [], 0, 0
    for position, character in enumerate(dn):
        if character == "[":
            depth += 1
        elif character == "]":
            depth -= 1
        elif character == "/" and not depth:
            parts.append(dn[start:position])
            start = position + 1
    parts.append(dn[start:])
    return parts


def parent_dn(dn: str) -> str:
    """Return the DN of the container, ``""`` for the top of the tree."""
    return dn[: max(_last_separator(dn), 0)]


def dns_above(dn: str) -> Iterator[str]:
    """Yield the DNs of the containers of an object, from the nearest to the top of the tree."""
    while dn := parent_dn(dn):
        yield dn


def topmost_above(dn: str, objects: Collection[str]) -> str:
    """Return the topmost of these objects that contains an object; ``""`` if none does."""
    return next((above for above in reversed(list(dns_above(dn))) if above in objects), "")


def last_rn(dn: str) -> str:
    """Return the relative name of an object, the last one of its DN."""
    return dn[_last_separator(dn) + 1 :]


def _last_separator(dn: str) -> int:
    position = dn.rfind("/")
    while position >= 0 and dn.count("[", position) != dn.count("]", position):
        position = dn.rfind("/", 0, position)
    return position


def class_below(parent_class: str, rn: str) -> str | None:
    """Return the listed class that has this relative name below that container, or None."""
    return next((found.name for found in _BELOW.get(parent_class, ()) if found.naming_of(rn) is not None), None)


def class_paths(root_class: str, cls: str) -> list[tuple[str, ...]]:
    """Return every path of classes from a container down to a class, both ends included.

    >>> class_paths("fvTenant", "vzSubj")
    [('fvTenant', 'vzBrCP', 'vzSubj')]
    """
    parents = CLASSES[cls].parents if cls in CLASSES else ()
    direct = [(root_class, cls)] if root_class in parents else []
    deeper = [(*path, cls) for parent in sorted(parents) if parent != root_class for path in class_paths(root_class, parent)]
    return direct + deeper


def class_path(root_class: str, root_dn: str, dn: str) -> tuple[str, ...] | None:
    """Return the classes from the root down to an object, the root's first; None where one is not listed."""
    path = [root_class]
    for rn in split_dn(dn)[len(split_dn(root_dn)) :]:
        found = class_below(path[-1], rn)
        if found is None:
            return None
        path.append(found)
    return tuple(path)


# --- values ----------------------------------------------------------------------------------------------------------

_DSCP = {
    "CS0": 0, "CS1": 8, "AF11": 10, "AF12": 12, "AF13": 14, "CS2": 16, "AF21": 18, "AF22": 20, "AF23": 22, "CS3": 24,
    "AF31": 26, "AF32": 28, "AF33": 30, "CS4": 32, "AF41": 34, "AF42": 36, "AF43": 38, "CS5": 40, "VA": 44, "EF": 46,
    "CS6": 48, "CS7": 56, "unspecified": 64,
}  # fmt: skip
_PORT = {
    "unspecified": 0, "ftpData": 20, "ssh": 22, "smtp": 25, "dns": 53, "http": 80, "pop3": 110, "https": 443, "rtsp": 554,
}  # fmt: skip

# Numbers that APIC returns by name.
_CONSTANTS: dict[str, dict[str, int]] = {
    **dict.fromkeys(("targetDscp", "matchDscp"), _DSCP),
    **dict.fromkeys(("dFromPort", "dToPort", "sFromPort", "sToPort"), _PORT),
    "mtu": {"inherit": 1},
    "prot": {"unspecified": 0, "icmp": 1, "igmp": 2, "tcp": 6, "egp": 8, "igp": 9, "udp": 17, "icmpv6": 58, "eigrp": 88,
             "ospfigp": 89, "pim": 103, "l2tp": 115},
    "restartTime": {"infinite": 0xFFFF},
    "staleIntvl": {"default": 300},
}  # fmt: skip
_NAME_OF_NUMBER = {prop: {str(code): name for name, code in names.items()} for prop, names in _CONSTANTS.items()}

_FLAGS = {
    "addrTCtrl", "aggregate", "capability", "connectivityType", "ctrl", "ctrlExt", "directives", "enforceRtctrl",
    "epMoveDetectMode", "fwdCtrl", "grCtrl", "peerCtrl", "privateASctrl", "scope", "spineRole", "tcpRules",
}  # fmt: skip
_BOOLEANS = {
    "OptimizeWanBandwidth", "aggregate", "always", "applyToFrag", "arpFlood", "autoContinue", "bdEnforcedEnable",
    "hostBasedRouting", "ipLearning", "ipv6McastAllow", "isAttrBasedEPg", "isMultiPodDirect", "limitIpLearnToSubnets",
    "mcastAllow", "mplsEnabled", "preferred", "revFltPorts", "rtrIdLoopBack", "shutdown", "stateful", "unicastRoute",
    "virtual",
}  # fmt: skip
_ADDRESSES = {"addr", "floatingAddr", "ip", "llAddr", "rtrId"}
_MACS = {"mac", "vmac"}
_NO_FLAGS = {"", "0", "none", "unspecified"}


def text(value: Any) -> str:
    """Return a value in the form that APIC expects: a string, with booleans as yes and no, and lists as flags."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ",".join(text(item) for item in value)
    return str(value)


def canonical(prop: str, value: str) -> str:
    """Return a value in the form in which APIC returns it, so that equal values compare equal.

    Flags are in alphabetical order (no flag: ``""``), booleans are yes and no, IPv6 addresses are compressed in lower case
    (host bits kept), and numbers that have a name are given by that name.
    """
    if prop in _BOOLEANS:
        value = {"true": "yes", "false": "no"}.get(value, value)
    if prop in _FLAGS:
        return "" if value in _NO_FLAGS else ",".join(sorted(flag.strip() for flag in value.split(",")))
    if prop in _ADDRESSES and ":" in value:
        return _compressed(value)
    if prop in _MACS:
        return value.upper() if ":" in value else value
    return _NAME_OF_NUMBER.get(prop, {}).get(value, value)


def _compressed(value: str) -> str:
    address, slash, length = value.partition("/")
    try:
        return str(ipaddress.IPv6Address(address)) + slash + length
    except ValueError:
        return value
