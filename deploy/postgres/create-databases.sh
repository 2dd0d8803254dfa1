#!/usr/bin/env bash
# Makes a database for each context on a PostgreSQL server (15 or newer), each with a user who can touch its own tables
# only: database and user shop_users, shop_products … `caddy-shopping migrate` then makes the tables, as that user.
# May be run again, and then takes over new passwords.
#
# The server and its administrator come from PGHOST, PGPORT, PGUSER, PGPASSWORD as for psql (in a container that makes
# its databases at the first start: POSTGRES_USER). Each user's password is SHOP_USERS_DATABASE_PASSWORD and so on, or
# the file /run/secrets/users_database_password. Arguments name the contexts, where not all are meant.
set -euo pipefail

export PGUSER=${PGUSER:-${POSTGRES_USER:-postgres}}
contexts=("$@")
((${#contexts[@]})) || contexts=(users products orders payments notifications)
for context in "${contexts[@]}"; do
    variable=SHOP_${context^^}_DATABASE_PASSWORD
    secret=/run/secrets/${context}_database_password
    password=${!variable:-$(cat "$secret" 2>/dev/null || true)}
    [[ -n $password ]] || { echo "No password for $context: set $variable, or write it to $secret." >&2; exit 1; }
    # Told by the environment, where other users of the machine do not see it.
    SHOP_CONTEXT=$context SHOP_PASSWORD=$password psql --no-psqlrc --quiet --dbname postgres <<'SQL'
\set ON_ERROR_STOP on
\getenv context SHOP_CONTEXT
\getenv password SHOP_PASSWORD
\set name shop_ :context

SELECT format('CREATE ROLE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
SELECT format('CREATE DATABASE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec

-- Whoever is not named does not get in. CREATE is for the extension that searches (pg_trgm), which any user may add
-- to a database where it has this right. The database stays the administrator's: its user cannot drop it.
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
GRANT CONNECT, TEMPORARY, CREATE ON DATABASE :"name" TO :"name";

\connect :"name"
-- Tables belong to whoever makes them, and nobody else is granted anything on them.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO :"name";
SQL
    echo "shop_$context is ready."
done
