# The grading image; docs/containers.md says how to build and run it, and which promises hold in it.
FROM python:3.12-slim-bookworm

# PyTorch's CPU build. For CUDA: --build-arg TORCH_INDEX_URL=https://pypi.org/simple, whose build for Linux brings it.
ARG TORCH_INDEX_URL=https://download.pytorch.org/whl/cpu

# Without a version: Debian removes a package's earlier versions when it mends it.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libseccomp2 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /build
COPY constraints.txt ./
RUN pip install --no-cache-dir -c constraints.txt --extra-index-url "$TORCH_INDEX_URL" "$(grep '^torch==' constraints.txt)" \
    && pip install --no-cache-dir -c constraints.txt "$(grep '^hatchling==' constraints.txt)"

COPY pyproject.toml README.md LICENSE ./
COPY autograder autograder
RUN pip install --no-cache-dir --no-build-isolation -c constraints.txt .

# By number, so that it can be seen from outside that it is not root.
RUN useradd --uid 10001 --user-group --create-home grader \
    && install -d -o grader -g grader /course
USER 10001:10001
WORKDIR /course
ENTRYPOINT ["autograder"]
CMD ["--help"]
