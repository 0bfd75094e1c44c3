#!/bin/sh
# Runs once, in an empty database server: one role and its databases for Muster, one for Temporal. Passwords are read
# by psql itself, so that none stands in a command line.
set -eu
psql -v ON_ERROR_STOP=1 --no-psqlrc --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\set muster_password `cat "${SECRETS:-/run/secrets}/muster_database_password"`
\set temporal_password `cat "${SECRETS:-/run/secrets}/temporal_database_password"`
create role muster login password :'muster_password';
create role temporal login password :'temporal_password';
create database muster owner muster;
create database temporal owner temporal;
create database temporal_visibility owner temporal;
-- PostgreSQL lets everybody connect to everything unless told otherwise.
revoke connect on database muster, temporal, temporal_visibility from public;
SQL
