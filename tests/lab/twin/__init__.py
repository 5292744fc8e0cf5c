"""The BGP twin: real BGP daemons in network namespaces, configured from what APIC and Kubernetes hold and from nothing else.

Input (``apic``, ``kubernetes``) and output (``operational``) speak REST. Between them everything is pure:
managed objects become a ``fabric.Fabric``, Kubernetes objects a ``calico.Cluster``, both a ``model.Twin``, and that the
daemons' configuration (``frr``, ``bird``) and the namespaces' links and addresses (``network``). ``supervisor`` runs it.
"""
