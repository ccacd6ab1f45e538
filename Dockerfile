FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
RUN python -m venv /opt/lesart
# the dependencies first, each by its digest: this layer stays as long as the lock file does
COPY requirements.txt ./
RUN /opt/lesart/bin/pip install --no-deps --require-hashes -r requirements.txt
COPY . ./
RUN /opt/lesart/bin/pip install --no-deps .

FROM python:3.13-slim AS lesart
RUN groupadd --gid 10001 lesart \
 && useradd --uid 10001 --gid lesart --no-create-home --home-dir /var/lib/lesart lesart \
 && install -d -o lesart -g lesart -m 0750 /var/lib/lesart \
 && install -d -o lesart -g lesart -m 0755 /secrets/lesart /secrets/owner /secrets/postgres /secrets/redis /seeds
COPY --from=build /opt/lesart /opt/lesart
COPY docker/passwords.py /opt/lesart/passwords.py
ENV PATH=/opt/lesart/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LESART_IMAGE=true \
    LESART_HOME=/var/lib/lesart \
    LESART_SEEDS=/seeds
WORKDIR /var/lib/lesart
USER 10001:10001
ENTRYPOINT ["lesart"]
CMD ["--help"]

# What docker-compose.yml hands to the services, checked while the image is built: `up` builds this
# stage before it stops anything, and a wrong setting ends it there.
FROM lesart AS settings
ARG LESART_ALLOW_HOSTS LESART_CAPTURES_URL LESART_CONTACT LESART_LANGUAGES LESART_PACE \
    LESART_ROBOTS_STRICT LESART_TIMEZONE LESART_WEB_ARCHIVES LESART_WEB_HOSTS LESART_WEB_PROXIES LESART_WEB_WORKERS
RUN lesart config > /dev/null
