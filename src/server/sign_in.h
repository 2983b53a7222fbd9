#pragma once
/// GET of /api/v1/sign-in (is there a provider?), /begin (off to it) and /callback (back from it).

#include "audit/audit.h"
#include "db/database.h"
#include "server/message.h"
#include "server/oidc.h"
#include "server/target.h"

namespace hallmark::server {

/// {"name"} of the provider, or {}. Anybody may know.
Response show_provider(const OidcProvider* provider);
/// Sends the browser to the provider, with a cookie that only its way back shows.
Response begin_sign_in(OidcProvider& provider, TimePoint now, std::stop_token stop);
/// Begins a session and sends the browser to the page. Throws `denied` for an answer that is none
/// to this browser's question, or that the provider does not stand by, and for somebody without a
/// role.
Response end_sign_in(OidcProvider& provider, db::Database& database, audit::Log& audit,
                     const Request& request, const Target& target, TimePoint now,
                     std::stop_token stop);
/// `error` as a page of its own: a browser shows it, not a script.
Response sign_in_problem(const Error& error);

}  // namespace hallmark::server
