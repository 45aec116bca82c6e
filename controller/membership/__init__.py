"""Who else serves the same objects, and which of the work is ours: Leases, watched."""
