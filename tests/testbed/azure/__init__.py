"""An Azure of our own for the tests: Key Vault's data plane and Entra's token endpoint, over https.

The real SDK talks to it. It is strict where the service is strict, and its rules are those of the
public REST reference, not of our client: ``README.md`` beside this names the page of each
operation and rule, what is left out, and what was compared with other emulators.

``server`` routes by host and lets requests in, ``data_plane`` has the operations, ``bundles`` the
bodies, ``store`` the objects, ``entra`` and ``metadata`` the tokens, ``pki`` the certificates.
Beyond the service: ``faults`` makes it fail on demand, ``calls`` counts, the clock is injected.
"""
