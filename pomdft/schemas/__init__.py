"""Frozen, versioned documents; every float field names its unit."""
