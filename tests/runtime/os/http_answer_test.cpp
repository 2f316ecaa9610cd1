#include "runtime/os/http_answer.hpp"

#include <doctest/doctest.h>
#include <pthread.h>

#include <stdexcept>

#include "runtime/base/random.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::os;

namespace {

const HttpPageMap& pages() {
  static const HttpPageMap map{
      {"/page",
       [] {
         return HttpPage{200, "text/plain", "the page\n"};
       }},
      {"/not",
       [] {
         return HttpPage{503, "text/plain", "not now\n"};
       }},
      {"/broken", []() -> HttpPage { throw std::runtime_error("a secret"); }},
  };
  return map;
}

std::string answer(const std::string& request) { return http_answer(pages(), request); }
std::string get(const std::string& path, const std::string& more = {}) {
  return answer("GET " + path + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n");
}
using troupe::test::contains;

std::string body(const std::string& text) { return text.substr(text.find("\r\n\r\n") + 4); }

}  // namespace

TEST_CASE("http: a page is served whole, with its type and length, and the connection ends") {
  const std::string text = get("/page");
  CHECK(text.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(contains(text, "\r\nContent-Type: text/plain\r\n"));
  CHECK(contains(text, "\r\nContent-Length: 9\r\n"));
  CHECK(contains(text, "\r\nConnection: close\r\n"));
  CHECK(body(text) == "the page\n");
  CHECK(body(get("/page?a=b")) == "the page\n");
  CHECK(body(answer("GET /page HTTP/1.0\r\n\r\n")) == "the page\n");
  CHECK(get("/not").starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
}

TEST_CASE("http: HEAD has the headers of GET and no body") {
  const std::string text = answer("HEAD /page HTTP/1.1\r\n\r\n");
  CHECK(text.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(contains(text, "\r\nContent-Length: 9\r\n"));
  CHECK(contains(text, "\r\nAccept-Ranges: none\r\n"));
  CHECK(body(text).empty());
}

TEST_CASE("http: other paths are not found, other methods not allowed, and both say what is") {
  for (const char* path : {"/", "/page/", "/PAGE", "/../page", "//page", "/page%00", "http://x/page"}) {
    CAPTURE(path);
    const std::string text = get(path);
    CHECK(text.starts_with("HTTP/1.1 404 Not Found\r\n"));
    CHECK(body(text) == "no such page; the pages are /broken /not /page\n");
  }
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PRI"}) {
    CAPTURE(method);
    const std::string text = answer(std::string(method) + " /page HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n");
    CHECK(text.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
    CHECK(contains(text, "\r\nAllow: GET, HEAD\r\n"));
  }
}

TEST_CASE("http: what is no request is a bad one") {
  for (const char* request : {"", "\r\n\r\n", "GET\r\n\r\n", "GET /page\r\n\r\n", "GET /page HTTP/9\r\n\r\n",
                              "FETCH /page HTTP/1.1\r\n\r\n", "GET /page HTTP/1.1", "GET /page HTTP/1.1\r\nHost: x"}) {
    CAPTURE(request);
    CHECK(answer(request).starts_with("HTTP/1.1 400 Bad Request\r\n"));
  }
  CHECK(http_too_long().starts_with("HTTP/1.1 431 "));
}

TEST_CASE("http: a page that breaks says no more than that") {
  const std::string text = get("/broken");
  CHECK(text.starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
  CHECK_FALSE(contains(text, "secret"));
}

TEST_CASE("http: a short request never makes a long answer") {
  std::string ranges = "Range: bytes=0-";
  while (ranges.size() < kRequestBytesMax - 100) ranges += ",0-";
  const std::string many = get("/page", ranges + "\r\n");
  CHECK(many.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(body(many) == "the page\n");
  CHECK(get("/page", "Range: bytes=99999999999999999999999-\r\n").size() < 500);
  CHECK(body(get("/page", "Range: bytes=4-5\r\n")) == "the page\n");
  CHECK(body(get("/page", "Expect: 100-continue\r\n")) == "the page\n");
}

// The library reads Range with std::regex, which a header of 8 KiB drove through a stack of 2 MiB.
TEST_CASE("http: no request needs much of the stack") {
  const auto answers = [](void*) -> void* {
    for (const std::string value : {"1", ",-", " ", "-,"}) {
      for (const std::string name : {"Range: bytes=", "rAnGe:bytes=-", "X: y\nRange: bytes=", "Accept-Encoding: "}) {
        std::string header = name;
        while (header.size() + value.size() < kRequestBytesMax - 100) header += value;
        CHECK(get("/page", header + "\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
      }
      std::string path = "/page?";
      while (path.size() + value.size() < kRequestBytesMax - 100) path += value == " " ? "%20" : value;
      CHECK(get(path).starts_with("HTTP/1.1 200 OK\r\n"));
    }
    return nullptr;
  };
  pthread_attr_t small{};
  pthread_t thread{};
  REQUIRE(pthread_attr_init(&small) == 0);
  REQUIRE(pthread_attr_setstacksize(&small, 512 * 1'024) == 0);
  REQUIRE(pthread_create(&thread, &small, answers, nullptr) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&small);
}

TEST_CASE("http: a page is compressed for who takes that") {
  CHECK(contains(get("/page", "accept-ENCODING: gzip\r\n"), "\r\nContent-Encoding: gzip\r\n"));
  CHECK_FALSE(contains(get("/page"), "Content-Encoding"));
}

TEST_CASE("http: any bytes get an answer, and only a request for a page gets the page") {
  base::Random random(3);
  const std::vector<std::string> parts{"GET",
                                       "HEAD",
                                       "POST",
                                       " ",
                                       "/page",
                                       "/broken",
                                       "HTTP/1.1",
                                       "\r\n",
                                       "Range:",
                                       "bytes=0-1,-",
                                       "?",
                                       "%2",
                                       "#",
                                       "Expect:",
                                       "100-continue",
                                       "Host:",
                                       "Accept-Encoding: gzip, br",
                                       ":",
                                       "\n",
                                       "Connection: close"};
  for (int run = 0; run < 10'000; ++run) {
    std::string request = random.chance(1, 2) ? "GET /page HTTP/1.1\r\n" : "";
    for (auto left = random.below(12); left > 0; --left)
      request += random.chance(4, 5) ? parts[random.below(parts.size())]
                                     : std::string(1, static_cast<char>(random.below(256)));
    if (random.chance(1, 2)) request += "\r\n\r\n";
    CAPTURE(request);
    const std::string text = answer(request);
    CHECK(text.starts_with("HTTP/1.1 "));
    CHECK(contains(text, "\r\n\r\n"));
    CHECK(text.size() < 2'000);
    CHECK_FALSE(contains(text, "secret"));
    if (contains(text, "the page")) CHECK(request.starts_with("GET "));
  }
}
