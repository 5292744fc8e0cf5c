"""Chaos: a series of kills, faults and concurrent runs from a seed, after each of which the cluster must be whole."""
