"""Jobs side by side: what each measured of the same pipeline and export, and what they were asked differently."""
