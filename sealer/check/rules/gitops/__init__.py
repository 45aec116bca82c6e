"""What Flux and Argo CD do with a tree: the order, the namespaces, and whose controller."""
