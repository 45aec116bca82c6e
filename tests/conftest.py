"""What every folder of tests may use."""

from tests.testbed.fixtures import namespace, network, plane

__all__ = ["namespace", "network", "plane"]
