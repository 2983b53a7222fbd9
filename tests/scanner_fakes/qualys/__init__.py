"""Qualys VM."""
