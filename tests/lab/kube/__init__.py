"""Kubernetes API servers for the lab: an embedded one, and a real one where its programs are installed."""
