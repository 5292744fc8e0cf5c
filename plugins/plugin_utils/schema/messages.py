# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue of problems: what each id means and what to do about it.

``docs/messages.md`` is generated from it. The ids ``invalid-…`` come from ``FORMATS`` and ``limit-…`` from ``LIMITS``; the
findings of ``verify`` have a catalogue of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True)
class Message:
    """The texts and the severity that all problems of one id share.

    :param remedy: what to do; a problem may have a more precise one.
    """

    meaning: str
    remedy: str
    severity: str = ERROR


_CREATE = "Create it, or correct its name in the inventory."
_FREE_SUBNET = "Choose another subnet, or remove the one that is in the way."

# By stage and subject: the headings of the generated page.
# fmt: off
CATALOGUE: dict[str, dict[str, Message]] = {
    "Planning: variables": {
        "unknown-variable": Message(
            "A variable begins with aci_calico_ and is none of this collection, so it would have no effect.",
            "Remove it, or correct its name: docs/variables.md lists all variables."),
        "unknown-key": Message("A dictionary has a key that is not known here.", "Remove it, or correct its name."),
        "unresolved-variable": Message(
            "Ansible cannot resolve the variable: an expression in it refers to something undefined.",
            "Define what the expression refers to."),
        "required": Message("A value that is needed is missing or empty.", "Set it."),
        "wrong-type": Message("The value has the wrong type.", "Write a value of the type that the message names."),
        "not-a-choice": Message("The value is not one of the choices.", "Write one of the choices."),
        "out-of-range": Message("The number is too low or too high.", "Choose a number within the range."),
        "vlan-twice": Message("A list of VLANs names a VLAN twice.", "Name each VLAN once."),
        "unknown-limit": Message(
            "aci_calico_limits has an id that is no limit.", "Correct the id: docs/variables.md lists the limits."),
        "unknown-renumber": Message(
            "aci_calico_renumber has a name that is neither a node nor a leaf of the cluster.",
            "Name nodes, leaves (leaf-201), svi or all."),
        "consent-not-of-run": Message(
            "A variable that is given with a run (aci_calico_consent, aci_calico_mend, aci_calico_seal_allocation) is set in the inventory, a play"
            " or a role, where it would outlive its purpose.",
            "Remove it there, and give it with the run that needs it: -e aci_calico_consent=NAME."),
        "name-too-long": Message("A name, or a name that is made from it, is longer than APIC allows.", "Choose a shorter name."),
        "password-missing": Message(
            "There is no BGP password.",
            "Set aci_calico_bgp_password from Vault or a lookup. A plan alone does not need its value."),
        "password-empty": Message("The BGP password is empty.", "Set a password: sessions without a password are not supported."),
        "password-unreadable": Message(
            "The BGP password is declared, and its Vault or lookup returns no value.",
            "Pass the Vault password (--vault-id, or the job's credential), or define what the lookup reads."),
        "password-unusable": Message(
            "The BGP password is longer than 80 bytes, or has characters that APIC or Calico does not accept.",
            "Use at most 80 printable ASCII characters, without spaces and double quotes."),
    },
    "Planning: racks, leaves and nodes": {
        "rack-twice": Message("Two racks have the same id.", "Give each rack its own id."),
        "rack-without-leaves": Message("A rack has no leaf.", "Name the rack's pair of leaves."),
        "rack-with-one-leaf": Message(
            "A rack has one leaf only: it is cut off when that leaf fails or reloads.",
            "Name the other leaf of the vPC pair.", WARNING),
        "rack-with-too-many-leaves": Message(
            "A rack has more than two leaves; a vPC pair has two.", "Make racks of two leaves each."),
        "rack-without-nodes": Message("A rack has no node.", "Name its nodes, or remove the rack.", WARNING),
        "leaf-twice": Message("A leaf is in two racks, or twice in one.", "Name each leaf once, in its own rack."),
        "node-twice": Message("A node is named twice.", "Name each node once, in a rack's list or as an inventory host."),
        "unknown-spare": Message("A node takes a spare slot that its rack does not have.", "Correct the name, or add it to aci_calico_spare_nodes."),
        "spare-twice": Message("Two nodes have one name on APIC: that of a spare slot.", "Let each node take a spare slot of its own."),
        "spare-differs": Message(
            "A node takes a spare slot, and has an address, a VLAN or ports of its own.",
            "Remove them: the node has those of the slot."),
        "spare-with-floating-svi": Message(
            "There are spare slots, and the cluster has floating SVI, which needs none.", "Remove aci_calico_spare_nodes."),
        "node-without-rack": Message(
            "A host is in the group of a cluster whose hosts are nodes, and has no rack.",
            "Set aci_calico_rack on the host or its group; set it to '' if the host is not a node."),
        "unknown-rack": Message(
            "A host's aci_calico_rack is not in aci_calico_racks, or no node peers with a rack of aci_calico_pools.",
            "Correct the rack's id, or add the rack. With central peering all nodes have the label of the first rack."),
        "router-id-repeats": Message(
            "Two leaves have the same router ID in one VRF. Preflight compares with other L3Outs of the fabric, too.",
            "Give each leaf a router_id of its own."),
        "router-id-contradicts": Message(
            "A leaf has different router IDs in one VRF. Preflight compares with other L3Outs of the fabric, too.",
            "Use one router ID for a leaf in the whole VRF."),
        "router-id-out-of-range": Message(
            "aci_calico_router_id_base plus a leaf's ID is beyond the last unicast address.",
            "Choose a lower base, such as 1.1.4.0."),
        "non-anchor-is-anchor": Message(
            "A non-anchor leaf is also a leaf of a rack, and thereby an anchor.",
            "Remove it from aci_calico_non_anchor_leaves, or from the rack."),
        "non-anchor-twice": Message("A non-anchor leaf is named twice.", "Name each leaf once."),
        "non-anchor-with-standard-svi": Message(
            "Standard SVI has no non-anchor leaves: a node's own leaves have its gateway addresses.",
            "Make racks of these leaves, or use floating SVI."),
        "non-anchor-detour": Message(
            "Traffic of nodes behind non-anchor leaves takes a detour through the anchors that they peer with.",
            "Make these leaves anchors of a rack of their own, or set aci_calico_next_hop_propagation (APIC 6.1(2)). Without it an anchor"
            " also sends them nothing for a prefix that nodes behind itself announce. No action is needed if that is acceptable.", WARNING),
        "several-l3outs": Message(
            "The racks have more leaves than one L3Out holds, so they are spread over several L3Outs.",
            "No action is needed if this is intended. Raise aci_calico_limits if your release allows more leaves in an L3Out.",
            WARNING),
        "vm-with-several-nics": Message(
            "A virtual machine has several interfaces.", "Name one interface: its hypervisor bonds the uplinks."),
        "nic-twice": Message("An interface name of a node is used twice.", "Give each interface and the bond a different name."),
        "hypervisor-shared": Message(
            "Two nodes run on one hypervisor: its failure takes down both.",
            "Run each node of the cluster on a hypervisor of its own.", WARNING),
        "vm-mobility-with-standard-svi": Message(
            "Virtual machines are to move, and with standard SVI a node works in its own rack only.",
            "Use floating SVI (aci_calico_svi: floating), or pin the machines and set aci_calico_vm_mobility: false."),
    },
    "Planning: subnets, addresses and VLANs": {
        "subnet-twice": Message("A list names a subnet twice.", "Name each subnet once."),
        "subnet-overlap": Message("Two subnets of the cluster overlap.", "Choose subnets that do not overlap."),
        "family-missing": Message(
            "Nodes, pods or services have no subnet of a family that other subnets of the cluster have.",
            "Add a subnet of that family, or remove the others."),
        "floating-subnet-twice": Message(
            "There are more node subnets of a family than L3Outs; floating SVI uses one for each L3Out.",
            "Use one larger subnet, or standard SVI (aci_calico_svi: standard)."),
        "subnet-for-each-l3out": Message(
            "There are fewer node subnets of a family than L3Outs; floating SVI needs one for each L3Out.",
            "Name one subnet for each L3Out, in their order, or use standard SVI (aci_calico_svi: standard)."),
        "supernet-too-small": Message(
            "A node subnet is smaller than the subnet that each node gets with standard SVI.",
            "Use a larger supernet, or for IPv6 a longer aci_calico_ipv6_node_prefix_length."),
        "subnet-too-small": Message(
            "The node subnets do not have enough addresses, or subnets, for the cluster.",
            "Use a larger subnet. With standard SVI you can add another one."),
        "subnet-not-allowed": Message(
            "aci_calico_import_subnets or aci_calico_export_subnets leaves out a subnet of the cluster.",
            "Add the subnet, or do not set the variable.", WARNING),
        "pool-unknown": Message(
            "aci_calico_pools has an entry for a subnet that is no pool of the cluster.",
            "Correct cidr, or add the subnet to aci_calico_pod_subnets or aci_calico_load_balancer_subnets."),
        "pool-selected-twice": Message("A pool has racks and a node selector.", "Set one of them."),
        "pool-use-mixed": Message(
            "A pool of load balancer addresses has another use or a node selector, or a pool of pods has the use LoadBalancer."
            " Calico refuses both.",
            "Leave allowed_uses out: the list that holds the subnet determines whether the pool is for load balancers."),
        "pools-disabled": Message(
            "All pools of an address family are disabled, so new pods get no address.", "Add a pod subnet, or enable a pool.", WARNING),
        "pool-smaller-than-block": Message(
            "A pod subnet is smaller than one block.", "Use a larger pod subnet or a longer block size."),
        "pool-short-of-blocks": Message(
            "The pod subnets hold fewer blocks than the cluster has nodes.",
            "Use a larger pod subnet or a longer block size.", WARNING),
        "ipv6-router-id": Message(
            "The nodes have no IPv4 address, from which Calico's BGP daemon takes its router ID.",
            "Set CALICO_ROUTER_ID=hash in calico-node's environment (with the Tigera operator, configure no IPv4 pool).",
            WARNING),
        "address-family-twice": Message(
            "Two addresses of one family are given where one is allowed.", "Give at most one address of each family."),
        "address-outside": Message(
            "A pinned address is not a usable address of the node subnets.", "Choose an address within the node subnets."),
        "address-collision": Message("Two claimants have the same address.", "Give each an address of its own."),
        "slot-out-of-range": Message(
            "A node's slot is beyond the end of the node subnets.", "Choose a lower slot, or a larger subnet."),
        "vlan-collision": Message(
            "Two nodes have the same VLAN; with standard SVI each node has its own.", "Give each node a VLAN of its own."),
        "vlan-too-few": Message(
            "aci_calico_vlan has too few VLANs: floating SVI needs one for each L3Out, standard SVI one for each node.",
            "Name a larger range, such as 300-363."),
    },
    "Planning: the allocation file and the artifacts": {
        "allocation-file": Message(
            "The allocation file cannot be read, or is not what the collection writes: truncated, badly merged or damaged.",
            "Restore it from version control, or recover it: ansible-playbook -i INVENTORY netops.aci_calico.recover."),
        "allocation-file-changed": Message(
            "The allocation file was truncated, merged or edited: its content does not have the digest that the file states.",
            "Restore it from version control, recover it (the playbook recover), or seal it (aci_calico_seal_allocation)."),
        "allocation-file-foreign": Message(
            "The allocation file is that of another cluster.",
            "Correct aci_calico_allocation_file or aci_calico_cluster_name. For a cluster that was renamed, edit cluster in the file"
            " and seal it (aci_calico_seal_allocation)."),
        "allocation-file-shared": Message(
            "Two clusters have the same allocation file, and would overwrite each other's.",
            "Give each cluster a file of its own: aci_calico_allocation_file."),
        "allocation-file-unproven": Message(
            "An allocation file of schema 1, which has no digest, lacks nodes or leaves of the inventory: it could be truncated.",
            "If they are new, seal the file (aci_calico_seal_allocation). Otherwise restore it."),
        "allocation-recovery": Message(
            "The allocation cannot be recovered: plan.json, or what APIC holds of the cluster, is missing, damaged or another cluster's.",
            "Recover it from the other source: -e recover_from=plan or -e recover_from=servers. Otherwise pin the addresses that the nodes have."),
        "allocation-recovery-incomplete": Message(
            "Nodes or leaves of the inventory are not in the source of the recovery, and get the first free addresses.",
            "If they are configured already, pin the addresses that they have before you run site.", WARNING),
        "file-unwritable": Message(
            "The allocation file or an artifact cannot be written. No file was changed.",
            "Free space, or let the user that runs Ansible write there. aci_calico_allocation_file and aci_calico_artifacts_dir name other"
            " places."),
        "artifact-link": Message(
            "A file or folder below aci_calico_artifacts_dir is a symbolic link, which could lead to files of others. No file was changed.",
            "Remove the link. To keep artifacts elsewhere, set aci_calico_artifacts_dir."),
        "allocation-not-recorded": Message(
            "The inventory has no folder in which to record the allocation.",
            "Set aci_calico_allocation_file, or pin addresses.", WARNING),
        "renumbering": Message(
            "An address or VLAN that was allocated before would change.",
            "Undo the change in the inventory, or add the node or leaf to aci_calico_renumber."),
        "svi-kind-changes": Message(
            "The cluster would change from floating to standard SVI, or back, which renumbers every node.",
            "Set aci_calico_svi to the recorded kind, or aci_calico_renumber: [all] to change it."),
    },
    "Planning: BGP and interfaces": {
        "asn-equal": Message(
            "Fabric and cluster have the same AS number, but their sessions are eBGP.",
            "Give the cluster an AS number of its own."),
        "asn-reserved": Message("The AS number is reserved.", "Choose a private AS number, such as 64512 to 65534."),
        "asn-beyond-calico": Message(
            "The AS number is 2147483648 or higher, which the schemas of many Calico releases refuse.",
            "Check that your Calico release accepts it, or choose a lower one.", WARNING),
        "hold-time": Message("BGP does not allow a hold time of 1 or 2 seconds.", "Use 0, or 3 and more."),
        "keepalive-too-long": Message(
            "One lost keepalive would end the session: the interval is longer than a third of the hold time.",
            "Use at most a third of the hold time."),
        "prefix-limit-too-small": Message(
            "A node is expected to send more prefixes than aci_calico_bgp_prefix_limit.",
            "Raise the limit, or keep nodes from sending learned routes (aci_calico_bgp_filter: true).", WARNING),
        "mtu-too-small-for-ipv6": Message("IPv6 needs an MTU of at least 1280.", "Use 1280 or more; 9000 is recommended."),
        "profile-without-ipv6": Message(
            "The forwarding scale profile ipv4 has no room for IPv6 routes, and the cluster has IPv6.",
            "Use another profile, such as dual_stack or high_lpm."),
        "physical-domain-missing": Message(
            "Floating SVI needs a physical domain.", "Set aci_calico_physical_domain to the domain of the nodes' ports."),
        "apic-too-old": Message(
            "APIC runs a release before 5.0, which has no floating SVI on physical domains. Preflight asks APIC itself.",
            "Upgrade to 5.0 or newer, or use standard SVI (aci_calico_svi: standard)."),
        "forwarding-needs-floating": Message(
            "Central peering and next-hop propagation are for floating SVI, and the cluster has standard SVI.",
            "Use floating SVI (aci_calico_svi: floating), or unset the variable."),
        "next-hop-release": Message(
            "Next-hop propagation needs 6.1(2) or newer. Preflight asks APIC and the leaves themselves.",
            "Upgrade to 6.1(2) or newer, or set aci_calico_next_hop_propagation: false."),
        "next-hop-across-pods": Message(
            "Next-hop propagation is not supported for a floating SVI across ACI pods.",
            "Use leaves of one ACI pod, or set aci_calico_next_hop_propagation: false."),
        "next-hop-leaked": Message(
            "Next-hop propagation is supported within a VRF, and the cluster's subnets are leaked to others.",
            "No action is needed if the detour of that traffic is acceptable.", WARNING),
    },
    "Planning: access policies": {
        "port-of-another-rack": Message(
            "A node is cabled to a leaf that is not in its rack.",
            "Name ports of the rack's own leaves, or move the node to the other rack."),
        "port-twice": Message(
            "Two nodes have the same port and are not in one vPC.",
            "Name each port once. Virtual machines behind one vPC name the same vpc."),
        "port-shared": Message(
            "Nodes of two clusters have the same port.",
            "Name each port once. If nodes of two clusters share a port, make its policies by other means."),
        "group-shared": Message(
            "Two clusters make the same interface policy group.",
            "Give the groups different names: aci_calico_vpc_name, or the node's vpc."),
        "node-without-interfaces": Message(
            "The interface policy group of a node without interfaces is made, and no port uses it.",
            "Set the nodes' interfaces, or select their ports by other means.", WARNING),
        "pool-contradicts": Message(
            "Two clusters give one domain different VLAN pools.",
            "Set the same aci_calico_vlan_pool for both, or use different domains."),
        "encap-blocks-overlap": Message(
            "A VLAN pool has a block that overlaps the cluster's VLANs. Preflight looks at the pool on APIC, too.",
            "Use exactly the VLANs of that block, VLANs outside it, or another VLAN pool and other domains."),
    },
    "Planning: external EPGs, contracts and transit": {
        "scope-incomplete": Message("APIC refuses the scope shared-security without import-security.", "Add import-security."),
        "scope-without-security": Message(
            "Without the scope import-security, the cluster's subnets are not classified into its external EPG.",
            "Add import-security, unless another external EPG of the L3Out has these subnets.", WARNING),
        "external-epg-twice": Message(
            "Two external EPGs of the cluster have the same name.", "Give each microsegment a different name."),
        "external-subnet-twice": Message(
            "A subnet is in two external EPGs; a VRF allows one.",
            "Name a smaller subnet within it: the longest prefix decides."),
        "microsegment-outside": Message(
            "A microsegment's subnet is not within the cluster's subnets.",
            "Name a part of the pod, service or external service subnets.", WARNING),
        "microsegment-cut-off": Message(
            "A microsegment holds pods or nodes, and no contract joins it to the rest of the cluster.",
            "Add a contract between the two: aci_calico_provided_contracts, and consume of the microsegment.", WARNING),
        "microsegment-overlap-clusters": Message(
            "A microsegment has addresses of another cluster of the VRF.", "Name a part of this cluster's subnets."),
        "relation-twice": Message("An EPG has a contract twice in one list.", "Name it once."),
        "contract-twice": Message(
            "A contract, or an interface of a contract, is made twice in a tenant.",
            "Define the contract once, with all its filters, or give one of them another name."),
        "contract-contradicts": Message(
            "Two clusters make the same contract with different contents.",
            "Write the same contents in both, or use another name."),
        "contract-scope": Message("The contract's scope excludes an EPG that provides or consumes it.", "Use scope global."),
        "contract-out-of-sight": Message(
            "An EPG refers to a contract of a tenant that it cannot refer to: neither its own nor common.",
            "Export the contract (export_to) and consume the interface, or make it in tenant common."),
        "contract-not-exported": Message(
            "An EPG consumes an interface of a contract that is not exported to its tenant.",
            "Add the tenant to the contract's export_to."),
        "contract-unknown": Message(
            "The name is almost that of a contract of aci_calico_contracts. As written, it must exist already.",
            "Correct the name if the cluster's own contract is meant.", WARNING),
        "export-to-own-tenant": Message(
            "A contract is exported to its own tenant.",
            "Export it to other tenants. EPGs of its own tenant consume it by its name."),
        "filter-twice": Message("A contract has a filter twice.", "Name it once."),
        "filter-entry-twice": Message("A filter has the same entry twice.", "Write each entry once."),
        "filter-contradicts": Message(
            "Two contracts define the same filter with different entries.",
            "Write the same entries in both, or use another name."),
        "not-leaked": Message(
            "A contract joins EPGs of another VRF, to which the cluster's subnets are not leaked.",
            "Add shared-rtctrl and shared-security to aci_calico_external_epg_scopes.", WARNING),
        "epg-unclear": Message(
            "An entry names neither exactly one EPG nor exactly one external EPG.",
            "Set application_profile and epg, or l3out and external_epg."),
        "epg-without-contract": Message(
            "An EPG is named without a contract.",
            "Name contracts in provide, consume or consume_interfaces, or remove the EPG."),
        "epg-own": Message(
            "aci_calico_epg_contracts names an external EPG of the cluster itself.",
            "Use aci_calico_provided_contracts and aci_calico_consumed_contracts, or the microsegment's own keys."),
        "epg-of-cluster": Message(
            "aci_calico_epg_contracts names an external EPG of another cluster.",
            "Set aci_calico_provided_contracts and aci_calico_consumed_contracts of that cluster."),
        "transit-twice": Message("aci_calico_transit names an L3Out twice.", "Name each L3Out once."),
        "transit-own": Message("aci_calico_transit names an L3Out of the cluster itself.", "Name the L3Out that leads outside."),
        "transit-of-cluster": Message(
            "aci_calico_transit names an L3Out of another cluster.",
            "Clusters of one VRF need no transit L3Out: name the subnets of both in aci_calico_export_subnets of each."),
        "transit-subnet-inside": Message(
            "A subnet outside the cluster is within the cluster's own subnets.", "Name the subnets behind the transit L3Out."),
        "transit-subnet-not-own": Message(
            "aci_calico_transit_subnets names a subnet that is not the cluster's.",
            "Name the cluster's subnets, or parts of them."),
        "transit-family": Message(
            "A subnet behind a transit L3Out is of a family that the nodes do not have.",
            "Remove it, or add a node subnet of that family."),
    },
    "Planning: clusters of one inventory": {
        "cluster-name-shared": Message("Two clusters have the same name.", "Give each cluster a name of its own."),
        "l3out-shared": Message(
            "Two clusters have an L3Out of the same name in one tenant.", "Give each cluster an L3Out of its own."),
        "subnet-overlap-clusters": Message(
            "Subnets of two clusters in one VRF overlap.", "Choose subnets that do not overlap, or another VRF."),
        "vlan-shared": Message("Two clusters use the same VLAN on the same leaves.", "Choose other VLANs."),
        "ecmp-contradicts": Message(
            "Two clusters of one VRF set different numbers of ECMP paths; the VRF has one.",
            "Use the same value in all clusters of the VRF."),
        "bgp-policy-contradicts": Message(
            "Two clusters of one VRF have a leaf in common and set different BGP timers, AS limits, graceful restart or AS path"
            " relaxation; a leaf has one value for the VRF.",
            "Use the same value in both clusters, or other leaves or another VRF for one of them."),
    },
    "Connections": {
        "apic-unreachable": Message(
            "No controller answers.",
            "Check aci_calico_apic_host, aci_calico_apic_port and the way from this machine to the controllers."
            " If they answer slowly, raise aci_calico_apic_timeout."),
        "apic-certificate": Message(
            "The certificate of a controller is not valid for its name, has expired, or is from a CA that this machine does not trust.",
            "Renew the certificate, write the name that it has in aci_calico_apic_host, or add its CA to this machine's trust store."
            " aci_calico_apic_validate_certs: false turns the check off."),
        "apic-login": Message(
            "APIC refuses the login, or each of its tokens.",
            "Correct aci_calico_apic_username and aci_calico_apic_password, or aci_calico_apic_private_key and"
            " aci_calico_apic_certificate_name."),
        "apic-answer": Message(
            "The answer is not APIC's, or is incomplete.",
            "Check that aci_calico_apic_host and aci_calico_apic_port are those of a controller, and that no proxy answers in its place"
            " (aci_calico_apic_use_proxy)."),
        "apic-busy": Message(
            "APIC remains too busy, or its processes do not answer.",
            "Wait until all controllers are fully fit, and run again: the run continues where this one ended."),
        "kubernetes-unreachable": Message(
            "The API server does not answer.",
            "Check the server in the kubeconfig (or aci_calico_kube_host) and the way to it from this machine."),
        "kubernetes-certificate": Message(
            "The certificate of the API server is not valid for its name, has expired, or is not from the CA of the kubeconfig.",
            "Correct the CA in the kubeconfig or in aci_calico_kube_ca_cert, or the server's name; renew an expired certificate."),
        "kubernetes-login": Message(
            "The API server does not accept the credentials: a token has expired, or is another cluster's.",
            "Renew the credentials in the kubeconfig, or aci_calico_kube_api_key."),
        "kubernetes-answer": Message(
            "The answer is not the API server's.",
            "Check that the kubeconfig (or aci_calico_kube_host) names an API server, and that no proxy answers in its place."),
        "kubernetes-configuration": Message(
            "There is no kubeconfig, or it is not valid.",
            "Set aci_calico_kubeconfig to the file, and aci_calico_kube_context to a context in it."),
    },
    "Preflight: the fabric": {
        "fabric-asn-missing": Message(
            "The fabric has no AS number, so no BGP runs between its leaves.",
            "Set the AS number and route reflectors of the fabric (System Settings, BGP Route Reflector)."),
        "fabric-asn-differs": Message(
            "The fabric's AS number is not aci_calico_fabric_asn: no session would come up.",
            "Set aci_calico_fabric_asn to the fabric's AS number."),
        "leaf-too-old": Message(
            "A leaf runs a release before 5.0, which has no floating SVI on physical domains.",
            "Upgrade to 5.0 or newer, or use standard SVI (aci_calico_svi: standard)."),
        "leaf-missing": Message("The fabric has no leaf of this number.", "Correct the number, or register the leaf."),
        "leaf-in-another-pod": Message(
            "A leaf is in another ACI pod than its rack.", "Set the rack's pod to the ACI pod of the leaf."),
        "leaf-inactive": Message(
            "A leaf is registered and not active.", "Bring the leaf back into service; see Fabric Membership.", WARNING),
        "leaves-not-paired": Message(
            "The leaves of a rack are not a vPC pair. This is a warning with floating SVI.",
            "Make them a vPC protection group (Fabric, Access Policies, Virtual Port Channel default), or correct the rack."),
        "vpc-peer-down": Message(
            "The leaves of a rack are a vPC pair, and it is not up.", "See the faults of the vPC domain.", WARNING),
        "lpm-headroom": Message(
            "A leaf's longest-prefix-match table is too full for a new cluster. From 80 % on this is a warning.",
            "Choose a forwarding scale profile with more LPM entries, or larger pod blocks (aci_calico_block_size)."),
        "bd-enforced": Message(
            "BD enforcement is on in the VRF, which keeps the nodes from reaching the leaves' addresses.",
            "Switch BD enforcement off in the VRF."),
        "object-taken": Message(
            "An L3Out or interface policy group that the plan makes exists already, and is not this cluster's.",
            "Choose another name, or set aci_calico_adopt: true to take it over."),
        "subnet-in-bridge-domain": Message(
            "A bridge domain of the VRF has a subnet that overlaps one of the cluster's.", _FREE_SUBNET),
        "subnet-on-interface": Message(
            "An interface of another L3Out of the VRF has an address in a subnet of the cluster.", _FREE_SUBNET),
        "subnet-in-external-epg": Message(
            "An external EPG of another L3Out of the VRF has a subnet of the cluster, or a part of it.", _FREE_SUBNET),
        "vlan-taken": Message(
            "An EPG or another L3Out uses a VLAN of the cluster on one of its leaves.", "Choose other VLANs, or free these."),
        "domain-without-pool": Message(
            "A domain has no VLAN pool.", "Associate the domain with a pool that has the cluster's VLANs."),
        "domain-without-aaep": Message(
            "No AAEP, or not aci_calico_aaep, has the domain: its VLANs are allowed on no port.",
            "Associate the domain with the AAEP of the nodes' ports, or set aci_calico_manage_access: true."),
        "pool-differs": Message(
            "A domain has another VLAN pool than the plan.",
            "Set aci_calico_vlan_pool to the pool of the domain, or use another domain."),
        "vlan-outside-pool": Message(
            "A VLAN of the cluster is not in the VLAN pool of the domain.", "Add the VLANs to the pool, or choose others."),
        "group-is-no-vpc": Message(
            "The interface policy group of a rack of two leaves is a port channel.", "Make it a vPC interface policy group."),
        "group-without-domain": Message(
            "The AAEP of an interface policy group does not have the L3 domain.",
            "Associate the domain with the AAEP of the group."),
        "limits-of-release": Message(
            "APIC runs a release whose scale limits differ from those that the plan was checked against.",
            "Set aci_calico_apic_version to the release of APIC.", WARNING),
        "floating-addresses": Message(
            "With this cluster, the fabric would have more floating addresses than the limit.",
            "Use standard SVI (aci_calico_svi: standard), or raise aci_calico_limits if your release allows more."),
        "adopted-in-the-way": Message(
            "An L3Out of the plan has node profiles, interfaces or external EPGs of others with leaves, VLANs or subnets of the"
            " plan, under other names. The push would make them a second time.",
            "Give the cluster another L3Out (aci_calico_l3out), or remove these objects. APIC cannot rename them: a node profile"
            " with the planned name is taken over."),
        "bgp-policy-taken": Message(
            "Another L3Out of the VRF uses another BGP timers or best path policy on a leaf of the cluster. A leaf has one for the"
            " VRF: APIC raises F0467, and chance decides which one is in force after a reload. This is a warning if the other"
            " L3Out is that of a cluster with equal values, which an earlier version configured.",
            "Use leaves or a VRF without that L3Out, or take over its policy by name."),
        "bgp-policy-inherited": Message(
            "A BGP L3Out of the VRF has no BGP timers or best path policy of its own on a leaf of the cluster. It is about to get"
            " the cluster's timers, AS limit and AS path relaxation there.",
            "Use leaves or a VRF without that L3Out, or give the cluster the values that its neighbours need"
            " (aci_calico_bgp_as_limit: 0 keeps their routes). No action is needed if these values suit it.", WARNING),
        "bgp-policy-differs": Message(
            "The policy that aci_calico_bgp_timers_policy, aci_calico_bgp_best_path_policy or aci_calico_bgp_ecmp_policy names has"
            " other values than the inventory.",
            "Set the variables to the values of the policy."),
        "bgp-policy-missing": Message("A BGP policy that the inventory names does not exist.", _CREATE),
        "ecmp-policy-taken": Message(
            "The VRF has another ECMP policy, which is not this cluster's alone; it can have one for an address family.",
            "Name it in aci_calico_bgp_ecmp_policy, or agree on one policy with its other users."),
        "transit-in-another-vrf": Message(
            "A transit L3Out is not in the cluster's VRF, and the cluster's subnets are not leaked.",
            "Name an L3Out of the cluster's VRF, or leak the routes (shared-rtctrl and shared-security in aci_calico_external_epg_scopes)."),
        "tenant-missing": Message("A tenant does not exist.", _CREATE),
        "vrf-missing": Message("The VRF does not exist.", _CREATE),
        "domain-missing": Message("The L3 domain or the physical domain does not exist.", _CREATE),
        "pool-missing": Message("aci_calico_vlan_pool does not exist.", _CREATE),
        "aaep-missing": Message("aci_calico_aaep does not exist.", _CREATE),
        "lacp-policy-missing": Message("aci_calico_lacp_policy does not exist, and policy groups need it.", _CREATE),
        "group-missing": Message("The interface policy group of a node's vPC does not exist.", _CREATE),
        "application-profile-missing": Message("An application profile does not exist.", _CREATE),
        "epg-missing": Message("An EPG does not exist.", _CREATE),
        "l3out-missing": Message("An L3Out of others does not exist.", _CREATE),
        "external-epg-missing": Message("An external EPG of others does not exist.", _CREATE),
        "contract-missing": Message("A contract that an EPG is to provide or consume does not exist.", _CREATE),
        "contract-interface-missing": Message("A contract interface that an EPG is to consume does not exist.", _CREATE),
        "filter-missing": Message("A filter of a contract does not exist.", _CREATE),
        "service-graph-missing": Message("The service graph of a contract does not exist.", _CREATE),
        "reads-limited": Message(
            "The user may not read all of the fabric, so preflight and verify report what it cannot see as missing.",
            "Give the user the role read-all in the security domain all, for reading (docs/rights.md).", WARNING),
        "privileges-missing": Message(
            "APIC's reply to the login does not list all privileges that the push needs. What the reply means is partly guessed.",
            "Give the user the roles of docs/rights.md.", WARNING),
    },
    "Preflight: Kubernetes": {
        "node-address-taken": Message(
            "Another node has the address that the plan gives to a node.",
            "Pin the addresses of both nodes as they are, or change them on the nodes."),
        "node-address-differs": Message(
            "A node does not have the address of the plan, so its sessions would not come up.",
            "Configure the planned address on the node, or pin its present address.", WARNING),
        "calico-without-bgp": Message(
            "The networking backend of calico-node is not bird: Calico runs no BGP.",
            "Enable BGP: calicoNetwork.bgp: Enabled in the operator's Installation, or calico_backend: bird in the ConfigMap calico-config."),
        "address-detection": Message(
            "calico-node detects another address than the planned one, and writes it every minute: the sessions come up and end again.",
            "Make calico-node detect the planned address, or plan the detected one."),
        "asn-variable": Message(
            "The environment variable AS of calico-node replaces the planned AS number when calico-node starts.",
            "Remove the variable from calico-node's DaemonSet."),
        "routes-by-felix": Message(
            "Felix, not BIRD, programs the routes between nodes, so the leaves' routes have no effect.",
            "Set clusterRoutingMode: BIRD in the Installation, or programClusterRoutes: Disabled in the FelixConfiguration."),
        "vpp": Message("The VPP data plane has another BGP, which does not read Calico's peers.", "Use another data plane."),
        "listen-port": Message(
            "The nodes do not listen on BGP's port, to which the leaves connect.",
            "Remove listenPort from the BGPConfiguration, or set it to 179."),
        "load-balancer-aggregation": Message(
            "The nodes announce no subnets of load balancers, only the single addresses of services.",
            "Remove serviceLoadBalancerAggregation from the BGPConfiguration. No action is needed if this is intended.", WARNING),
        "not-ready-announced": Message(
            "This release of Calico announces services with externalTrafficPolicy: Local from nodes whose endpoints are not ready.",
            "Upgrade Calico to a release with the correction.", WARNING),
        "windows-node": Message(
            "A planned node runs Windows, on which Calico sets no BGP password: no session comes up.",
            "Remove the node from the plan: this design has no Windows nodes."),
        "rights-missing": Message(
            "The user of the connection lacks rights that the roles need.",
            "Grant the user these rights (docs/examples/rbac.yml), or use another user."),
        "not-checked": Message(
            "A check is off: Kubernetes refuses the request that it needs, or does not know the answer.",
            "Grant the user the right to read this (docs/examples/rbac.yml).", WARNING),
    },
    "Preflight and push: Kubernetes": {
        "unreadable": Message("The API server refuses a request or cannot answer it.", "See the API server's log."),
        "calico-missing": Message(
            "The cluster does not serve Calico's API group.",
            "Install Calico, or check that the kubeconfig is that of the right cluster."),
        "calico-node-missing": Message(
            "calico-node runs in no namespace, or in several.",
            "Set aci_calico_calico_namespace to the namespace in which calico-node runs."),
        "node-pending": Message(
            "A node of the plan is not in Kubernetes yet. The fabric is configured for it, and its sessions are not waited for.",
            "Join the node with its planned address (artifacts, folder nodes), then run site again. Correct its name if it has joined.",
            WARNING),
        "node-unplanned": Message(
            "A node in Kubernetes is not in the plan: its pods cannot be reached while the node-to-node mesh is off. The run needs the consent"
            " traffic-interruption to turn the mesh off.",
            "Add the node to a rack.", WARNING),
        "other-cluster": Message(
            "An object belongs to another cluster of this collection.",
            "Use the kubeconfig of the right cluster, or tear the other cluster down first."),
        "foreign": Message(
            "An object with the name of a planned one exists, and was not made by this collection.",
            "Remove it, or set aci_calico_adopt: true to replace it."),
        "pool-cidr": Message(
            "An IP pool has another CIDR than the plan; a pool's CIDR cannot be changed.",
            "Correct aci_calico_pod_subnets, or migrate to a new pool as the Calico documentation describes."),
        "pool-block-size": Message(
            "An IP pool has another block size than the plan; a pool's block size cannot be changed.",
            "Set aci_calico_block_size, or aci_calico_ipv6_block_size, to that of the pool."),
        "pool-of-operator": Message(
            "The Tigera operator owns an IP pool that the plan would change, and would undo the change. The run configures everything else,"
            " keeps the node-to-node mesh, and stops with what to apply.",
            "Set aci_calico_manage_installation: true, or apply what the run shows to the Installation (RKE2: the HelmChartConfig), and"
            " run again.", WARNING),
        "operator-degraded": Message(
            "The Tigera operator reports its pools as degraded, so it may not carry out a change of the Installation.",
            "See kubectl get tigerastatus ippools -o yaml, and correct it first.", WARNING),
        "kubespray-undoes": Message(
            "Calico was installed by kubespray, whose next run would undo settings of this collection.",
            "Set the variables in kubespray's inventory that the documentation lists (Installers), before kubespray runs again.", WARNING),
        "calico-too-old": Message(
            "The plan uses a field that this release of Calico does not have. The API server would drop it without a word.",
            "Upgrade Calico, or unset the variable that needs the field."),
        "pool-in-the-way": Message(
            "An IP pool that is not planned overlaps aci_calico_pod_subnets.", "Move its pods to another pool, and delete it."),
        "pool-unplanned": Message(
            "An IP pool is outside aci_calico_pod_subnets: the fabric does not accept its routes.",
            "Add the CIDR to aci_calico_pod_subnets, or disable the pool.", WARNING),
        "pool-in-use": Message(
            "Pods have addresses of a pool whose subnet was taken out of the plan. The fabric would no longer accept routes to them.",
            "Put the subnet back into aci_calico_pod_subnets, with an entry {cidr, disabled: true} in aci_calico_pools, and restart these"
            " pods first."),
        "pool-left": Message(
            "A disabled pool whose subnet was taken out of the plan stays.",
            "Remove it from the operator's Installation, or delete it (calicoctl delete ippool NAME) when no pod has an address of it.",
            WARNING),
        "peer-in-the-way": Message(
            "A BGPPeer that is not planned peers with a leaf of the plan.",
            "Set aci_calico_adopt: true: the run changes this peer in place to the planned one, and teardown gives it back."),
        "nat-ends": Message(
            "Source NAT of a pool with pods ends: the pods appear outside with their own addresses, which a transit L3Out advertises.",
            "Check that firewalls outside permit the pod subnet.", WARNING),
        "peer-unplanned": Message("A BGPPeer is not in the plan. It is not removed.", "Delete it unless it is needed.", WARNING),
        "mesh-setting": Message(
            "The BGPConfiguration has a setting that Calico refuses once the node-to-node mesh is off.", "Remove the setting."),
        "secret-differs": Message(
            "The Secret has another password than aci_calico_bgp_password, and keeps it.",
            "Run netops.aci_calico.rotate with -e aci_calico_consent=session-reset: it changes both sides one leaf after the other. The"
            " playbook site changes all at once, with -e aci_calico_update_password=always beside the consent.",
            WARNING),
        "rotation-unfinished": Message(
            "A rotation of the BGP password was interrupted: some leaves and their peers have the new password, the others the old one.",
            "Run netops.aci_calico.rotate with -e aci_calico_consent=session-reset. It finishes the rotation; with the old password in"
            " aci_calico_bgp_password it undoes it."),
    },
    "Rotating the password": {
        "rotation-secret": Message(
            "The Secret has no BGP password yet, so there is nothing to rotate.", "Run netops.aci_calico.site, which sets the first one."),
        "rotation-session-down": Message(
            "Sessions are down before the rotation begins, although their nodes are ready. The rotation would not notice if it broke them.",
            "Run netops.aci_calico.verify, correct what it finds, and run again."),
        "rotation-alone": Message(
            "The next step would leave a node without a session: its session with another leaf is down.",
            "Run netops.aci_calico.verify, correct what it finds, and run again: the rotation goes on where it stopped."),
        "rotation-given-back": Message(
            "Sessions did not come back after their password changed, so both of their sides have their former password again.",
            "Compare the password of the leaf's peers on APIC with the inventory's, and run netops.aci_calico.verify. Then run again:"
            " the rotation goes on where it stopped. With the old password in aci_calico_bgp_password it is undone."),
        "rotation-stuck": Message(
            "Sessions are down after a step of the rotation, and with their former password as well.",
            "Run netops.aci_calico.verify, correct what it finds, and run again: the rotation begins with these sessions."),
    },
    "Rehearsal": {
        "deployed-plan": Message(
            "The plan that aci_calico_deployed_plan names cannot be read, or is that of another cluster or version.",
            "Name the plan.json that an earlier run of this version wrote for this cluster, or unset the variable to read APIC and Kubernetes."),
    },
    "Consents": {
        "consent-missing": Message(
            "The run would interrupt something, and nobody agreed to that. In check mode this is a warning.",
            "Run again with -e aci_calico_consent=NAME, at a time when the interruption is acceptable."),
    },
    "Journal and undo": {
        "journal-unwritable": Message(
            "The journal of the run, which undo would need, cannot be written. The push that was to follow changed nothing.",
            "Free space, or set aci_calico_journal to a folder where the user that runs Ansible may write. With aci_calico_journal_keep: 0 the"
            " run changes the cluster without a journal."),
        "journal-missing": Message(
            "There is no such journal: no run changed the cluster, its journal is on another control node, or it was one of the oldest.",
            "Set aci_calico_journal to the folder of the runs. List the journals with -e undo_list=true."),
        "journal-damaged": Message(
            "The journal is not whole, somebody changed it, or it belongs to another cluster or version.",
            "Restore the file, or choose another journal with -e undo_journal=NAME."),
        "undo-changed-since": Message(
            "Objects of the cluster are not as the runs since the journal left them. Undo brings them back to the state in the journal, too.",
            "No action is needed if this is intended. Otherwise note the present values (--check --diff) before you undo.", WARNING),
    },
    "Mending drift": {
        "mend-nothing": Message(
            "The playbook mend was not told what to mend.",
            "Name differences that the playbook drift prints: -e aci_calico_mend=NAME (several names: separate them with commas)."),
        "mend-unknown": Message(
            "aci_calico_mend has a name that is no difference now: it was mended, or it changed since it was found.",
            "Run the playbook drift again, and name what it prints."),
        "mend-impossible": Message(
            "A difference that is named cannot be mended by this collection.", "Remove or correct the object by hand."),
    },
    "Two runs at once": {
        "lease-held": Message(
            "Another run changes the cluster, and did not end in time.",
            "Wait until it has ended. If it will never end, name it: -e aci_calico_take_lease=RUN."),
        "lease-lost": Message(
            "Another run took over the lease of this one, which stops before its next change.",
            "Run again when the other run has ended: it completes what is left."),
    },
    "Maintenance": {
        "maintenance-nodes": Message(
            "No node, rack or leaf is named.", "Name the nodes (-e node_maintenance_nodes=node-3), racks or leaves."),
        "maintenance-mixed": Message(
            "Nodes (or racks) and leaves are named in one run.", "Name nodes and racks, or leaves, and run it twice."),
        "maintenance-rack-unknown": Message(
            "A name is not a rack of the plan.", "Name racks of the plan, and limit the run to their cluster (--limit)."),
        "maintenance-leaf-unknown": Message(
            "A name is not a leaf of the plan.",
            "Name leaves of the plan by their IDs, or odd, even or all; and limit the run to their clusters (--limit)."),
        "maintenance-work-missing": Message(
            "The file with the tasks of the work does not exist.", "Correct node_maintenance_work, or create the file."),
        "maintenance-node-alone": Message(
            "A node would have no BGP session left without the leaf.",
            "Bring back its session with the other leaf (netops.aci_calico.verify says what is wrong), end that leaf's maintenance, or take"
            " the node out of service first. To go on nevertheless, consent: -e aci_calico_consent=traffic-interruption."),
        "maintenance-prefix-alone": Message(
            "A prefix would be on no leaf without the leaf.",
            "Find out why the other leaf does not accept it (netops.aci_calico.verify). To go on nevertheless, consent:"
            " -e aci_calico_consent=traffic-interruption."),
        "maintenance-leaf-shared": Message(
            "The leaf has sessions with nodes of clusters that are not in this run.",
            "Ask for these clusters as well: node_maintenance_state=ask with all of them in the limit.", WARNING),
        "maintenance-leaf-refused": Message(
            "Another cluster of this run, which uses the leaf as well, has failed or refused.",
            "See that cluster's problems. Nothing was changed here."),
        "maintenance-session-missing": Message(
            "Sessions with a leaf that were up before the maintenance have not come back.",
            "Run netops.aci_calico.verify, which says what is wrong. The maintenance stays open: repeat its end, node_maintenance_state=end."),
        "maintenance-route-missing": Message(
            "Prefixes that a leaf had before the maintenance have not come back.",
            "Run netops.aci_calico.verify, which says what is wrong. The maintenance stays open: repeat its end, node_maintenance_state=end."),
        "maintenance-node-unknown": Message(
            "A name is not a node of the plan.", "Name nodes of the plan, and limit the run to their cluster (--limit)."),
        "maintenance-node-missing": Message(
            "A node of the plan is not in Kubernetes.", "Remove it from the list: there is no node to take out of service."),
        "maintenance-last-node": Message(
            "No other node is ready and in service, so the pods would have nowhere to go.",
            "Bring other nodes back into service first."),
        "maintenance-others": Message(
            "Other nodes or leaves are out of service already.", "End their maintenance first, if it is over.", WARNING),
        "maintenance-rack": Message(
            "A rack is left without a node in service.",
            "Pods that must run in this rack cannot be scheduled until a node of it is back.", WARNING),
        "maintenance-only-endpoints": Message(
            "A Service with externalTrafficPolicy: Local has all its endpoints on these nodes.",
            "Scale it out first: until its pods are ready elsewhere, it cannot be reached from outside.", WARNING),
        "maintenance-not-begun": Message(
            "The node or leaf was not taken out of service by this collection, and is left as it is.",
            "Run kubectl uncordon if a node is cordoned.", WARNING),
    },
}
# fmt: on
MESSAGES: dict[str, Message] = {id_: message for group in CATALOGUE.values() for id_, message in group.items()}
