# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say what changing each variable does to a running cluster, by the rules: the table of ``docs/rehearse.md``."""

from __future__ import annotations

from collections.abc import Iterator

from ..schema.consent import CONSENTS
from ..schema.option import Option
from ..schema.variables import VARIABLES
from .rules import CLASSES, MEANINGS, RULES, Rule

PREFIX = "aci_calico_"
# Variables whose change reaches neither APIC nor Kubernetes, by what they are for.
_INERT = {
    "It changes files on this machine.": ("artifacts_dir", "artifacts_diff", "allocation_file", "journal", "journal_keep", "metrics_dir"),
    "It is a permission or a check of the run, and changes nothing by itself.": (
        "adopt", "preflight", "limits", "apic_version", "forwarding_profile", "pods_per_node", "exposed_services", "lease_wait",
        "take_lease", "consent", "seal_allocation", "deployed_plan", "vm_mobility", "drift_fails", "mend",
    ),
    "It changes the nodes' own configuration in the artifacts, which nothing applies by itself.": (
        "node_kind", "nics", "bond", "dns_servers", "node_configs", "node_nics", "node_hypervisor", "ipv6_node_prefix_length",
    ),
    "It only says where or how to find Calico.": ("calico_api_group", "calico_namespace"),
    "A pool that exists cannot change it: the run refuses.": ("block_size", "ipv6_block_size"),
}  # fmt: skip
_UNKNOWN = "No rule names it; a rehearsal says what it does to your cluster."
# Variables whose change is that of the whole cluster.
_WHOLE = {
    "cluster_name": "The cluster is another one, with objects of its own beside those of the first. Tear the first one down.",
    "state": "`absent` removes the cluster, and needs a consent of its own: `teardown:<cluster>`.",
    "node_name": "The node is another one: the first is removed, the second added.",
}


def effects(name: str) -> list[Rule] | str:
    """Return the rules that changing a variable can cause, the worst class first, or the reason why there are none."""
    short = name.removeprefix(PREFIX)
    found = [rule for rule in RULES if short in rule.variables]
    if found:
        return sorted(found, key=lambda rule: CLASSES.index(rule.effect), reverse=True)
    if short in _WHOLE:
        return _WHOLE[short]
    if VARIABLES[name].connection:
        return "It only serves to reach APIC or Kubernetes."
    if short.startswith("verify_"):
        return "It is a setting of the verification."
    return next((text for text, names in _INERT.items() if short in names), _UNKNOWN)


def effects_table() -> str:
    """Return the table of all variables as Markdown."""
    lines = ["| Variable | What changing it can do |", "|---|---|"]
    lines += [f"| `{name}` | {'<br>'.join(_cells(option))} |" for name, option in VARIABLES.items()]
    return "\n".join(lines)


def _cells(option: Option) -> Iterator[str]:
    found = effects(option.name)
    if isinstance(found, str):
        yield found
        return
    for effect in reversed(CLASSES):
        reasons = dict.fromkeys(f"{rule.why[:-1]}{' (guess)' if rule.guess else ''}" for rule in found if rule.effect == effect)
        if reasons:
            yield f"**{effect}**: {'; '.join(reasons)}."


def classes_table() -> str:
    """Return the table of the classes as Markdown."""
    lines = ["| Class | Meaning | Needs a consent |", "|---|---|---|"]
    lines += [f"| `{effect}` | {meaning} | {'yes' if effect in CONSENTS else 'no'} |" for effect, meaning in MEANINGS.items()]
    return "\n".join(lines)
