"""What every folder of tests may use."""

from tests.testbed.fixtures import azure, namespace, network, plane

__all__ = ["azure", "namespace", "network", "plane"]
