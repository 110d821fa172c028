"""Data sets in the gateway: uploads, and fingerprints of their content."""
