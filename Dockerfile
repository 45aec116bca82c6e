# syntax=docker/dockerfile:1
# The controller's image, for linux/amd64 and linux/arm64. The digest is that of the tag's index
# over all architectures; docs/adr/0051-image.md tells how to renew it.
ARG PYTHON=docker.io/library/python:3.13-slim@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285

FROM ${PYTHON} AS build
# The commit's time, so that the same source makes the same layers.
ARG SOURCE_DATE_EPOCH=315532800
WORKDIR /src
COPY .ci/install-controller .ci/build.lock .ci/controller.lock .ci/
COPY pyproject.toml README.md LICENSE ./
COPY sealer sealer
COPY controller controller
RUN .ci/install-controller /opt/sealer

FROM ${PYTHON}
# Nothing installs anything here any more.
RUN python3 -m pip uninstall --yes --quiet --root-user-action=ignore pip
COPY --from=build /opt/sealer /opt/sealer
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1
USER 1001:1001
EXPOSE 8080 8081
ENTRYPOINT ["/opt/sealer/bin/sealer-controller"]
