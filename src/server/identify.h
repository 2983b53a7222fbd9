#pragma once
/// From a request to who asks: an API token, or the cookie of a session.

#include "audit/audit.h"
#include "base/clock.h"
#include "db/database.h"
#include "server/logins.h"
#include "server/message.h"

namespace hallmark::server {

inline constexpr const char* kSessionCookie = "hallmark_session";

/// The cookie's value; empty if there is none.
std::string cookie_of(const Request& request, const std::string& name);
/// A Set-Cookie for `value` of a session.
std::string session_cookie(const Request& request, const std::string& value, Duration age);

/// Whether anything in it says who asks, true or not.
bool names_somebody(const Request& request);
/// Throws NotKnown; `denied` for a write by a session that does not show the session's CSRF token
/// (X-CSRF-Token).
Caller identify(db::Database& database, const Request& request, TimePoint now);

/// POST, GET and DELETE of /api/v1/session: log in, who is it, log out.
Response log_in(db::Database& database, audit::Log& audit, LoginThrottle& throttle,
                const Request& request, TimePoint now);
Response show_session(db::Database& database, const Request& request, TimePoint now);
Response log_out(db::Database& database, const Request& request, TimePoint now);

}  // namespace hallmark::server
