"""What kustomize and Flux make of a tree: which builds there are, run, and read."""
