"""An Azure of our own for the tests: Key Vault's data plane and Entra's token endpoint, over https.

The real SDK talks to it. It is strict where the service is strict, and its rules are those of the
public reference, not of our client:

- Secrets, certificates, keys: get, list, list versions, set, update, delete, recover
  (https://learn.microsoft.com/rest/api/keyvault/). ``api-version`` is a must, unknown ones are 400.
  Names are ``[0-9A-Za-z-]{1,127}``, values at most 25k; a page has at most 25 items and a
  ``nextLink``. Deleted objects stay in ``/deletedsecrets`` and block their name until recovered.
- A request without a token is 401 with the challenge that names tenant and resource
  (https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses).
  A token must be signed by us, not expired, of the vault's tenant and for the vault's resource.
- Rights are RBAC's data actions by client id; without one the answer is 403 ForbiddenByRbac
  (https://learn.microsoft.com/azure/key-vault/general/rest-error-codes).
- The token endpoint checks client secrets, client certificates (RFC 7523, x5t) and federated
  assertions (issuer, subject, audience, signature), and answers with AADSTS codes.
- The metadata endpoint (IMDS) is plain http, as on a node
  (https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token).

Beyond the service: ``faults`` makes it fail on demand, ``calls`` counts, the clock is injected.
"""
