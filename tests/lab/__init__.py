"""The embedded lab: an APIC emulator and one Kubernetes API server for each example cluster."""
