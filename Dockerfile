FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
RUN python -m venv /opt/lesart
# the dependencies first, each by its digest: this layer stays as long as the lock file does
COPY requirements.txt ./
RUN /opt/lesart/bin/pip install --no-deps --require-hashes -r requirements.txt
COPY pyproject.toml LICENSE README.md ./
COPY lesart lesart
COPY storage storage
COPY worker worker
RUN /opt/lesart/bin/pip install --no-deps .

FROM python:3.13-slim AS lesart
RUN groupadd --gid 10001 lesart \
 && useradd --uid 10001 --gid lesart --no-create-home --home-dir /var/lib/lesart lesart \
 && install -d -o lesart -g lesart -m 0750 /var/lib/lesart \
 && install -d -o lesart -g lesart -m 0755 /secrets/lesart /secrets/owner /secrets/postgres /secrets/redis \
    /secrets/tls /secrets/elsewhere /seeds /files /proof /run/browser
COPY --from=build /opt/lesart /opt/lesart
COPY docker/passwords.py /opt/lesart/passwords.py
ENV PATH=/opt/lesart/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LESART_IMAGE=true \
    LESART_HOME=/var/lib/lesart \
    LESART_SEEDS=/seeds \
    LESART_PROOF_KEY=/proof/proof.key
WORKDIR /var/lib/lesart
USER 10001:10001
ENTRYPOINT ["lesart"]
CMD ["--help"]

# Rejects requests for consent in these pages: unchanged, its licence (MPL 2.0) beside it
FROM python:3.13-slim AS consent
RUN apt-get update && apt-get install -y --no-install-recommends npm && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY docker/consent ./
RUN npm ci --ignore-scripts && cd node_modules/@duckduckgo/autoconsent && mkdir /autoconsent \
 && cp --parents LICENSE package.json dist/autoconsent.playwright.js rules/compact-rules.json /autoconsent

# Reads pages in a container without a network: docker-compose.browser.yml
FROM lesart AS browser
USER root
RUN apt-get update && apt-get install -y --no-install-recommends chromium fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/*
COPY --from=consent /autoconsent /opt/autoconsent
USER 10001:10001
ENTRYPOINT ["python", "-m", "worker.capabilities.browser_pages.serve_rooms"]
CMD ["/run/browser/browser.sock", "/opt/autoconsent"]

# Checks the file .env: `up` builds this stage before it stops anything, and a wrong setting ends it
# there. Nothing of the file is in a layer.
FROM lesart AS settings
RUN --mount=type=bind,target=/context --mount=type=bind,source=files,target=/files \
    python /context/docker/settings.py /context # a setting in .env is wrong: see the message of lesart above
