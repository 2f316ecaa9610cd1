#include "runtime/os/http_answer.hpp"

#include <httplib.h>

#include <algorithm>
#include <cstring>

namespace troupe::os {
namespace {

/// One request and a buffer for its response, in the form of the library's connections.
class Exchange final : public httplib::Stream {
 public:
  explicit Exchange(std::string_view request) : left_(request) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t bytes = std::min(size, left_.size());
    std::memcpy(to, left_.data(), bytes);
    left_.remove_prefix(bytes);
    return static_cast<ssize_t>(bytes);
  }
  ssize_t write(const char* from, std::size_t size) override {
    answer.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int& port) const override { port = 0; }
  void get_local_ip_and_port(std::string&, int& port) const override { port = 0; }
  /// None: the library refuses a descriptor above FD_SETSIZE, which a node with many links has.
  socket_t socket() const override { return INVALID_SOCKET; }

  std::string answer;

 private:
  std::string_view left_;
};

void set(httplib::Response& response, const HttpPage& page) {
  response.status = page.status;
  response.set_content(page.text, page.content_type);
}

void answer(const HttpPageMap& pages, const httplib::Request& request, httplib::Response& response) {
  response.set_header("Accept-Ranges", "none");
  if (request.method != "GET" && request.method != "HEAD") {
    response.set_header("Allow", "GET, HEAD");
    return set(response, {.status = 405, .text = "only GET and HEAD are served\n"});
  }
  const auto found = pages.find(request.path);
  if (found == pages.end()) {
    std::string there;
    for (const auto& [path, page] : pages) there += ' ' + path;
    return set(response, {.status = 404, .text = "no such page; the pages are" + there + '\n'});
  }
  try {
    set(response, found->second());
  } catch (const std::exception&) {  // the library would send the exception's text to the client
    set(response, {.status = 500, .text = "the page could not be generated\n"});
  }
}

/// Uses of the library's server only the step from the bytes of a request to the bytes of its response.
class Server : private httplib::Server {
 public:
  explicit Server(const HttpPageMap& pages) {
    set_pre_routing_handler([&pages](const httplib::Request& request, httplib::Response& response) {
      answer(pages, request, response);
      return HandlerResponse::Handled;
    });
  }
  bool serve(Exchange& exchange) {
    bool closed = false;
    return process_request(exchange, true, closed, {});
  }
};

/// Whether a header line has that name, which is in small letters and ends with a colon.
bool is_header(std::string_view line, std::string_view name) {
  const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return line.size() >= name.size() &&
         std::equal(name.begin(), name.end(), line.begin(), [&](char a, char b) { return a == small(b); });
}

/// Returns the request line, and of its headers only whether gzip is accepted. The library must not see the others. It
/// reads Range with std::regex, whose recursion can overflow a stack of 2 MiB with 8 KiB. A page in brotli would take
/// 30 ms of the one thread.
std::string needed(std::string_view request) {
  std::string out;
  bool gzip = false;
  while (!request.empty()) {
    // Up to the line feed only, as the library does it.
    const std::string_view line = request.substr(0, std::min(request.find('\n'), request.size() - 1) + 1);
    if (out.empty()) out += line;
    else
      gzip = gzip || (is_header(line, "accept-encoding:") && line.find("gzip") != std::string_view::npos &&
                      line.find("gzip;q=0") == std::string_view::npos);
    request.remove_prefix(line.size());
  }
  return out + (gzip ? "Accept-Encoding: gzip\r\n\r\n" : "\r\n");
}

}  // namespace

std::string http_answer(const HttpPageMap& pages, std::string_view request) {
  try {
    const std::string part = needed(request);
    Exchange exchange(part);
    const bool whole = request.ends_with("\r\n\r\n");
    if (whole && Server(pages).serve(exchange) && !exchange.answer.empty()) return std::move(exchange.answer);
  } catch (const std::exception&) {  // an exception that the library does not catch itself is caused by the request
  }
  return "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
}

std::string_view http_too_long() {
  return "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
}

}  // namespace troupe::os
