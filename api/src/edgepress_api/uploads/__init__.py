"""Files that users upload: data sets and models."""
