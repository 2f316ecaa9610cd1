#include "apps/api/answer.hpp"

#include <sstream>

namespace troupe::apps::api {
namespace {

using base::Code;

http::Response response(int status, Failure failure, Effect effect) {
  http::Response out{.status = status};
  out.headers = {{"Content-Type", "application/json"}};
  const auto retry = failure.error.retry_after;
  if (retry.count() > 0)
    out.headers.emplace_back("Retry-After", std::to_string(std::chrono::ceil<std::chrono::seconds>(retry).count()));
  out.body = error_text(std::move(failure), effect);
  return out;
}

}  // namespace

int status_of(const Failure& failure, Effect effect) {
  const Code code = failure.error.code;
  switch (exit_of(failure, effect)) {
    case Exit::done:
    case Exit::partly: return 200;
    case Exit::usage: return 400;
    case Exit::not_found: return 404;
    case Exit::refused: return 409;
    case Exit::overloaded: return code == Code::no_space ? 507 : 429;
    case Exit::unavailable: return code == Code::timeout ? 504 : 503;
    case Exit::unknown: return 500;
    case Exit::interrupted: return 503;
    default: return 422;
  }
}

std::string error_text(Failure failure, Effect effect) {
  failure = completed(std::move(failure), effect);
  failure.try_.clear();
  std::ostringstream out;
  print_json(out, failure);
  return out.str();
}

http::Response error_response(const Failure& failure, Effect effect) {
  return response(status_of(failure, effect), failure, effect);
}

http::Response error_response(int status, Code code, std::string message) {
  return response(status, {{code, std::move(message)}, "nothing was done"}, Effect::read);
}

}  // namespace troupe::apps::api
