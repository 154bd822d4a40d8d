"""The fast update: written-out gradients on preallocated memory, and Adam on one piece of memory."""
