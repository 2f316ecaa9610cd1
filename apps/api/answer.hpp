#pragma once
// How the end of a command becomes an HTTP response.
//
// Source  ../shared/contracts/api.md: statuses, and the one shape of errors
#include "apps/cli/failure.hpp"
#include "runtime/http/message.hpp"

namespace troupe::apps::api {

/// Returns the status of a command that failed without output.
int status_of(const Failure& failure, Effect effect);

/// Returns {"error":{code,message,outcome,try,retryAfterMs}} with a line end. `try` is null: it would be a shell command.
std::string error_text(Failure failure, Effect effect);
/// Returns the response for a failure, with Retry-After if the error says when to try again.
http::Response error_response(const Failure& failure, Effect effect);
/// Returns the response for a request that reaches no command.
http::Response error_response(int status, base::Code code, std::string message);

}  // namespace troupe::apps::api
