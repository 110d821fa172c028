"""Jobs: submitting, planning, following and ending them."""
