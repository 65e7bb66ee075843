"""The fault campaign of scripts/chaos.py: the arena in which faults happen, and the faults, a module for each kind."""
