"""The HTTP endpoints that kubeseal, Prometheus and the kubelet ask."""
