"""Jobs: accepting them, following their steps, ending them."""
