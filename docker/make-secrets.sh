#!/bin/sh
# Makes the secret files that docker-compose.yml wants, in the folder given (default: secrets/ beside it). Never
# overwrites one. The folder is for its owner only; the files in it are readable, because a container's user has
# another id than yours and compose mounts each file as it is.
set -eu
umask 077
folder="${1:-$(dirname "$0")/../secrets}"
mkdir -p "$folder"
chmod 700 "$folder"

word() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
keep() {
  [ -e "$folder/$1" ] && return
  printf '%s\n' "$2" > "$folder/$1"
  chmod 444 "$folder/$1"
  echo "made $folder/$1"
}

keep postgres_password "$(word)"
keep temporal_database_password "$(word)"
keep muster_database_password "$(word)"
keep database_url "postgres://muster:$(cat "$folder/muster_database_password")@postgres:5432/muster"
keep secret_key "$(head -c 32 /dev/urandom | base64)"
keep admin_token "muster_$(word)"
keep webhook_secret "$(word)"
