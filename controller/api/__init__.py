"""The API server as the controller sees it: a Protocol, the client, and what is refused."""
