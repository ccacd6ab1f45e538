#!/bin/sh
# Makes the certificate of PostgreSQL and Redis for other machines, once for each SERVER_NAME, and
# writes what a worker elsewhere needs: the addresses, and the certificate to compare.
set -eu
umask 0222
case $SERVER_NAME in # a certificate names an address by an entry of its own kind
*:*) kind=IP check=-checkip host=[$SERVER_NAME] ;;
*[!0-9.]*) kind=DNS check=-checkhost host=$SERVER_NAME ;;
*) kind=IP check=-checkip host=$SERVER_NAME ;;
esac
tls=/secrets/tls elsewhere=/secrets/elsewhere
if ! [ -s "$tls/ca.pem" ] || ! openssl x509 -noout "$check" "$SERVER_NAME" -in "$tls/ca.pem" | grep -q "does match"; then
  # valid since yesterday: the clocks of other machines may be behind
  openssl req -x509 -newkey rsa:3072 -nodes -sha256 -subj "/CN=$SERVER_NAME" \
    -not_before "$(date -u -d yesterday +%Y%m%d%H%M%SZ)" -days 3650 \
    -addext "subjectAltName=$kind:$SERVER_NAME" -addext "keyUsage=critical,digitalSignature,keyCertSign" \
    -addext "extendedKeyUsage=serverAuth" -keyout "$tls/key.part" -out "$tls/ca.part" 2>/tmp/openssl.log ||
    { cat /tmp/openssl.log >&2; exit 1; }
  chmod 0444 "$tls/key.part" # volumes keep it apart: who mounts this one may read it
  mv -f "$tls/key.part" "$tls/key.pem"
  mv -f "$tls/ca.part" "$tls/ca.pem"
fi
write() {
  rm -f "$elsewhere/$1"
  cat >"$elsewhere/$1"
}
write ca.pem <"$tls/ca.pem"
sed "s|@postgres/lesart|@$host:$DATABASE_PORT/lesart?sslmode=verify-full\&sslrootcert=/files/ca.pem|" \
  /secrets/lesart/database_url | write database_url
sed "s|^redis:|rediss:|; s|@redis:6379/0|@$host:$BROKER_PORT/0?ssl_cert_reqs=required\&ssl_ca_certs=/files/ca.pem|" \
  /secrets/lesart/broker_url | write broker_url
