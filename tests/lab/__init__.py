"""The embedded lab: an APIC emulator, and a Kubernetes API server and a BGP twin for each example cluster."""
