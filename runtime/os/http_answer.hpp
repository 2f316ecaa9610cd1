#pragma once
// Computes the response of a small HTTP server to one request, from bytes to bytes. http_pages.hpp has the connections.
//
// Source  RFC 9110 and RFC 9112; parsed and written by Debian's cpp-httplib, which only http_answer.cpp includes.
// Takes   GET and HEAD of the existing paths; 404 for other paths, 405 for other methods, 400 for an invalid request.
//         The response is compressed if the client accepts that; other headers are ignored. Range requests get the
//         whole page, which is also correct. Each response ends its connection.
// Safety  any bytes may come; a page that throws becomes a 500 without details. Any thread.
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace troupe::os {

inline constexpr std::size_t kRequestBytesMax = 8'192;  // request line and headers, a common limit

struct HttpPage {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string text;
};

/// The pages by path ("/metrics"). Each is generated for each request.
using HttpPageMap = std::map<std::string, std::function<HttpPage()>, std::less<>>;

/// Returns the response to a request of at most kRequestBytesMax: its line and headers up to the empty line.
std::string http_answer(const HttpPageMap& pages, std::string_view request);

/// Returns the response to a longer request.
std::string_view http_too_long();

}  // namespace troupe::os
