#pragma once
// What a small HTTP server says to one request: bytes in, bytes out. It neither reads nor waits (http_pages.hpp does).
//
// Source  RFC 9110 and RFC 9112; read and written by Debian's cpp-httplib, whose header only http_answer.cpp includes.
// Takes   GET and HEAD of the paths that there are: 404 for others, 405 for other methods, 400 for what is no
//         request. Compressed where the client says that it takes that; no other header is heard. Parts of a page
//         (ranges) are not served, for the whole of it is a right answer too. Each answer ends its connection.
// Safety  any bytes may come; a page that throws is a 500 which says no more. Any thread.
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace troupe::os {

inline constexpr std::size_t kRequestBytesMax = 8'192;  // of line and headers, as most servers have it

struct HttpPage {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string text;
};

/// The pages by path ("/metrics"). Each is made anew for each request.
using HttpPageMap = std::map<std::string, std::function<HttpPage()>, std::less<>>;

/// The answer to a request of at most kRequestBytesMax, its line and headers up to the empty line.
std::string http_answer(const HttpPageMap& pages, std::string_view request);

/// The answer to a request that is longer.
std::string_view http_too_long();

}  // namespace troupe::os
