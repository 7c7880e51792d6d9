"""The infrastructure of the compliance auditor."""
