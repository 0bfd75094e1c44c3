#!/bin/sh
# Makes the namespace that Muster works in. Closed workflows are kept for as long as the retention says; what Muster
# must know for longer is in its own database.
set -eu
tries=0
until temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" > /dev/null 2>&1 \
  || temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"; do
  tries=$((tries + 1))
  [ "$tries" -ge 30 ] && exit 1
  sleep 2
done
