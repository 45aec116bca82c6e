"""A cluster as the command line sees it: the API server, the controller and its key Secrets."""
