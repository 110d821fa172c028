"""Data sets as the gateway sees them: is it there, what is it called, has it changed."""
