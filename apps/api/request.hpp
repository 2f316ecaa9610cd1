#pragma once
// The parts of a request's head that the API reads, and the headers of every response.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apps/api/routes.hpp"
#include "runtime/http/message.hpp"

namespace troupe::apps::api {

inline constexpr const char* kJson = "application/json";
inline constexpr const char* kForm = "application/x-www-form-urlencoded";  // of curl and others without a type
inline constexpr const char* kLines = "application/x-ndjson";

std::string_view path_of(const http::Head& head);
/// Returns what follows the `?`, or an empty text.
std::string_view query_of(const http::Head& head);
/// Returns the address of the caller for the audit trail: without the port, which says nothing.
std::string address_of(const http::Head& head);
/// Returns "A-B" of `Range: bytes=A-B`. Other forms of ranges are ignored, as RFC 9110 allows.
std::optional<std::string> range_of(const http::Head& head);
/// Whether the output of a call is sent while the command runs.
bool is_stream(const Called& called, std::string_view query);

std::uint64_t any_trace();
/// Returns the trace that a request names, or any trace. Returns nullopt if the request names an invalid trace.
std::optional<std::uint64_t> trace_of(const http::Head& head);

/// Adds the headers of every response.
void add_usual(http::Headers& headers, std::uint64_t trace);
inline void add_usual(http::Response& response, std::uint64_t trace) { add_usual(response.headers, trace); }
http::Headers usual_headers(const char* type, std::uint64_t trace);

}  // namespace troupe::apps::api
