"""Programs over files that strangers wrote: what a process gives up, and runs within bounds."""
