/** Logins by redirect to an OpenID Connect server, between the start and their token. */
export const sql = `
create table oidc_logins (
  id uuid primary key,
  provider text not null,
  -- SHA-256 of the state, until the redirect has come; then of the login code, until it was redeemed.
  key_hash bytea not null unique,
  -- State, verifier and nonce; after the redirect what the server said of the client.
  sealed bytea not null,
  -- SHA-256 of what only the one who began knows.
  challenge text not null,
  proven boolean not null default false,
  return_to text not null,
  expires_at timestamptz not null
);
create index oidc_logins_expiry on oidc_logins (expires_at);
`;
