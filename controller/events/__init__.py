"""Events on Kubernetes objects: their words, and who posts them."""
