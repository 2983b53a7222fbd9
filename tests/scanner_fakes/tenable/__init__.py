"""Tenable Vulnerability Management, and Nessus."""
