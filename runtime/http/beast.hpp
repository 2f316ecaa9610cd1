#pragma once
// Short names of Boost, and conversions between its types and ours, for the files that implement the server.
#include <utility>  // Boost 1.74 uses std::exchange without it
//
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <string>

#include "runtime/http/message.hpp"

namespace troupe::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using asio::ip::tcp;
using base::Code;
using base::Error;
using boost::system::error_code;

inline base::Endpoint endpoint_of(const tcp::endpoint& from) {
  base::Endpoint out;
  const auto address = from.address();
  out.address = address.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()).to_bytes()
                                : address.to_v6().to_bytes();
  out.port = from.port();
  return out;
}

/// Returns the status line and the headers, without the empty line after them.
inline std::string head_text(int status, const Headers& headers) {
  const auto reason = bhttp::obsolete_reason(static_cast<bhttp::status>(static_cast<unsigned>(status)));
  std::string out = "HTTP/1.1 " + std::to_string(status) + ' ' + std::string(reason.data(), reason.size()) + "\r\n";
  for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
  return out;
}

inline Error gone_error() { return {Code::unavailable, "the client has closed the connection"}; }

/// Returns why a body could not be read.
inline Error error_of(const error_code& why) {
  if (why == beast::error::timeout) return {Code::timeout, "the client is too slow"};
  if (why == bhttp::error::body_limit) return {Code::no_space, "the body is too large"};
  if (why.category() == make_error_code(bhttp::error::bad_chunk).category() && why != bhttp::error::end_of_stream &&
      why != bhttp::error::partial_message)
    return {Code::malformed, "the body is invalid: " + why.message()};
  return gone_error();
}

}  // namespace troupe::http
