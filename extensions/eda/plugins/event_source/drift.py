# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source ``netops.aci_calico.drift`` of Event-Driven Ansible. ``plugin_utils/drift/follow.py`` does the work."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

DOCUMENTATION = r"""
---
short_description: Follow the drift of a cluster on APIC and in Kubernetes
description:
  - Tells of each difference between a cluster's plan and what is deployed, with the name, owner and author that the playbook
    C(netops.aci_calico.drift) reports, as soon as it appears, and again when it is gone.
  - Subscribes to the cluster's objects on APIC, and watches Kubernetes. After each lost connection, and at the latest after O(resync)
    seconds, it compares both sides as a whole.
  - Tells nothing while a run of this collection changes the cluster, but what is left after it.
  - Changes nothing. An event has no secret.
  - Needs aiohttp, the collection and what it needs in the Python environment of ansible-rulebook.
version_added: 1.0.0
options:
  plan:
    description: The file C(plan.json) in the cluster's folder of artifacts. A new plan takes effect at once.
    type: path
    required: true
  apic:
    description: How to reach APIC, by the options of C(cisco.aci) modules. Without a password there are no subscriptions, only O(resync).
    type: dict
    required: true
  kubernetes:
    description: How to reach Kubernetes, by the options of C(kubernetes.core) modules.
    type: dict
    default: {}
  password:
    description: The BGP password. Without it the content of the Secret is not compared.
    type: str
  resync:
    description: The longest time in seconds between two comparisons of a side.
    type: int
    default: 300
author: Contributors to netops.aci_calico (!UNKNOWN)
"""

EXAMPLES = r"""
- netops.aci_calico.drift:
    plan: artifacts/prod1/plan.json
    apic:
      host: apic1.example.com,apic2.example.com
      username: drift
      password: "{{ apic_password }}"
    kubernetes:
      kubeconfig: ~/.kube/prod1.yml
"""

RETURN = r"""
cluster:
  description: The cluster.
drift:
  description: V(found) and V(gone) tell of a difference, V(unreadable) and V(readable) of a side.
difference:
  description: The difference, as in C(drift.json).
side:
  description: V(apic) or V(kubernetes), if it became unreadable or readable.
reason:
  description: Why it is unreadable.
"""

_OPTIONS = {"plan", "apic", "kubernetes", "password", "resync"}


def _load() -> Any:
    """Return the module that follows drift.

    :raises RuntimeError: it cannot be imported.
    """
    try:
        import aiohttp  # noqa: F401
        from ansible.plugins.loader import init_plugin_loader
        from ansible.utils.collection_loader import AnsibleCollectionConfig

        if AnsibleCollectionConfig.collection_finder is None:
            above = [str(one.parent) for one in Path(__file__).absolute().parents if one.name == "ansible_collections"]
            init_plugin_loader(above)
        from ansible_collections.netops.aci_calico.plugins.plugin_utils.drift import follow
    except ImportError as error:
        raise RuntimeError(
            f"{error}. Install ansible-core, aiohttp, kubernetes and netaddr in the Python environment of ansible-rulebook, and the"
            " collections netops.aci_calico, cisco.aci and kubernetes.core"
        ) from error
    return follow


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Put an event into the queue for each difference, until cancelled.

    :param args: the options, and what ansible-rulebook adds (``eda_*``).
    """
    unknown = sorted(name for name in args.keys() - _OPTIONS if not name.startswith("eda_"))
    if unknown or not args.get("plan") or not args.get("apic"):
        raise ValueError(f"Unknown options: {', '.join(unknown)}" if unknown else "The options plan and apic are required")
    follow = _load()
    settings = follow.Settings(
        plan=str(Path(args["plan"]).expanduser()),
        apic=args["apic"],
        kubernetes=args.get("kubernetes") or {},
        password=str(args.get("password") or ""),
        resync=float(args.get("resync") or 300),
    )
    await follow.Follower(queue.put, settings).run()
