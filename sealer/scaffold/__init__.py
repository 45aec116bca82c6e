"""The first files of a repository that keeps sealed Secrets: rules, hooks, a CI job."""
