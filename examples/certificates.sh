#!/bin/sh
# Makes a certificate authority and a server certificate for localhost and 127.0.0.1 to 127.0.0.4:
#   sh examples/certificates.sh FOLDER     writes FOLDER/ca.pem, server.pem, server.key
set -eu
cd "$1"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7 \
  -subj '/CN=Eddy demo CA' -keyout ca.key -out ca.pem 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=localhost' \
  -keyout server.key -out server.csr 2>/dev/null
cat >server.ext <<'NAMES'
subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2,IP:127.0.0.3,IP:127.0.0.4
extendedKeyUsage=serverAuth
NAMES
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 7 \
  -extfile server.ext -out server.pem 2>/dev/null
