"""The BGP twin: real BGP daemons in network namespaces, configured only from the state of APIC and Kubernetes.

``apic`` and ``kubernetes`` are REST clients. The modules between them are pure: ``policies`` reads managed objects
(``mo``) into a ``fabric.Fabric``, ``calico`` reads Kubernetes objects into a ``calico.Cluster``, and ``model`` joins
both to a ``Twin``. ``frr`` and ``bird`` render the daemons' configuration, ``network`` plans links and addresses, and
``operational`` converts the daemons' answers back to objects of APIC and Calico. ``supervisor`` runs everything with
``machines``, ``daemons`` and ``reporter``; ``runner`` and ``control`` are for other processes. ``paper`` and ``bench``
are for tests. See README.md.
"""
