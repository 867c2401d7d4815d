#!/bin/sh
# Writes certificates for tests, and what is wrong with them is in their names:
#   sh tests/support/certificates.sh FOLDER
# Each is FOLDER/NAME.pem, leaf first, with FOLDER/NAME.key; the names are at the end of this file.
# Trust FOLDER/ca.pem, or FOLDER/hashed as a directory. Takes about a second.
set -eu
cd "$1"
exec 3>&2 2>log
trap '[ "$?" = 0 ] || cat log >&3' EXIT
here='DNS:localhost,IP:127.0.0.1,IP:::1'

cat >config <<'CONFIG'
[req]
distinguished_name = from_command_line
[from_command_line]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = dated
[dated]
database = index
unique_subject = no
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
[any]
commonName = supplied
CONFIG
: >index
echo 1000 >serial

# NAME SUBJECT: a key, and a request to certify it.
request() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config config \
    -subj "/CN=$2" -keyout "$1.key" -out "$1.csr"
}

# NAME USE [ALTERNATIVE-NAMES]: what a leaf's certificate says besides its subject.
extensions() {
  {
    echo 'basicConstraints = critical,CA:FALSE'
    echo 'keyUsage = critical,digitalSignature'
    echo "extendedKeyUsage = $2"
    echo 'subjectKeyIdentifier = hash'
    echo 'authorityKeyIdentifier = keyid'
    if [ -n "${3-}" ]; then echo "subjectAltName = $3"; fi
  } >"$1.ext"
}

# NAME SUBJECT: an authority of its own.
authority() {
  request "$1" "$2"
  openssl x509 -req -in "$1.csr" -signkey "$1.key" -days 30 -extfile config -extensions authority \
    -out "$1.pem"
}

# NAME ISSUER [OPTION...]: certifies the request.
sign() {
  name=$1 issuer=$2
  shift 2
  openssl x509 -req -in "$name.csr" -CA "$issuer.pem" -CAkey "$issuer.key" -CAcreateserial \
    -days 30 -out "$name.pem" "$@"
}

# NAME ALTERNATIVE-NAMES [ISSUER]: a server's.
server() {
  request "$1" localhost
  extensions "$1" serverAuth "$2"
  sign "$1" "${3:-ca}" -extfile "$1.ext"
}

# NAME BEGIN END: a server's, with dates.
dated() {
  request "$1" localhost
  extensions "$1" serverAuth "$here"
  openssl ca -batch -notext -config config -cert ca.pem -keyfile ca.key -in "$1.csr" \
    -extfile "$1.ext" -startdate "$2" -enddate "$3" -out "$1.pem"
}

# NAME SUBJECT ISSUER: a client's.
client() {
  request "$1" "$2"
  extensions "$1" clientAuth
  sign "$1" "$3" -extfile "$1.ext"
}

authority ca 'Test CA'
authority other-ca 'Another CA'
request intermediate 'Test intermediate CA'
sign intermediate ca -extfile config -extensions authority

server good "$here"
server wrong-host DNS:other.test
server common-name ''                        # CN=localhost, which does not count
server unknown-ca "$here" other-ca
server ip4 IP:127.0.0.1
server ip6 IP:::1
server ip-as-name DNS:127.0.0.1              # a name that looks like an address is not one
server wildcard 'DNS:*.wild.test'
server wildcard-part 'DNS:a*.wild.test'      # RFC 9525 §6.3: the label has to be "*"
server wildcard-inside 'DNS:a.*.wild.test'
server wildcard-top 'DNS:*.test'
dated expired 20200101000000Z 20210101000000Z
dated not-yet-valid 20900101000000Z 20910101000000Z
server missing-intermediate "$here" intermediate
cat missing-intermediate.pem intermediate.pem >through-intermediate.pem
cp missing-intermediate.key through-intermediate.key
server leaf-of-leaf "$here" good             # whose issuer is no authority
cat good.pem >>leaf-of-leaf.pem
request self-signed localhost
extensions self-signed serverAuth "$here"
openssl x509 -req -in self-signed.csr -signkey self-signed.key -days 30 -extfile self-signed.ext \
  -out self-signed.pem

client client ann ca
client client-unknown-ca ann other-ca
client client-not-a-client ann ca
extensions client-not-a-client serverAuth
sign client-not-a-client ca -extfile client-not-a-client.ext

openssl pkey -aes128 -passout pass:secret -in good.key -out locked.key
mkdir -p hashed
cp ca.pem hashed/
openssl rehash hashed
rm -f ./*.csr ./*.ext ./*.srl [0-9]*.pem index* serial* config
