"""The BGP twin: real BGP daemons in network namespaces, configured from what APIC and Kubernetes hold and from nothing else.

``apic`` and ``kubernetes`` speak REST. In between everything is pure: managed objects (``mo``) become a ``fabric.Fabric``
(``policies``), Kubernetes objects a ``calico.Cluster``, both together a ``model.Twin``, and that the daemons' configuration
(``frr``, ``bird``) and the namespaces' links and addresses (``network``); what the daemons answer becomes objects of APIC and
Calico again (``operational``). ``supervisor`` runs it all with ``machines``, ``daemons`` and ``reporter``; ``runner`` and
``control`` are the view from outside. ``paper`` and ``bench`` are for tests. See README.md.
"""
