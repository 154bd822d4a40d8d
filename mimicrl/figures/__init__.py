"""Drawing functions: arrays in, matplotlib figures out. They read no file and know no study."""
