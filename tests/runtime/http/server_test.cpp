// The HTTP server on loopback: what it answers, what it refuses, and what a slow, silent or broken client costs.
#include "runtime/http/server.hpp"

#include <sys/socket.h>

#include <atomic>

#include "tests/runtime/http/place.hpp"

using namespace troupe;
using namespace troupe::http;
using namespace troupe::test;
using namespace std::chrono_literals;

TEST_CASE("http server: requests on one connection are answered one after the other") {
  Place place;
  Client client(place.start());
  SUBCASE("each sent after the response before it") {
    for (int i = 0; i < 20; ++i) {
      const Reply reply = client.ask(get("/" + std::to_string(i)));
      CHECK(reply.status == 200);
      CHECK(reply.body == "GET /" + std::to_string(i) + " ");
      CHECK_FALSE(reply.has("Connection: close"));
    }
  }
  SUBCASE("all sent at once") {
    std::string all;
    for (int i = 0; i < 20; ++i) all += i % 3 == 0 ? post(std::to_string(i)) : get("/" + std::to_string(i));
    client.put(all);
    for (int i = 0; i < 20; ++i)
      CHECK(client.next().body == (i % 3 == 0 ? "POST /p " : "GET /") + std::to_string(i) + (i % 3 == 0 ? "" : " "));
  }
  SUBCASE("sent byte by byte") {
    for (const char byte : post("body")) client.put({&byte, 1});
    CHECK(client.next().body == "POST /p body");
  }
}

TEST_CASE("http server: HTTP/1.0 and Connection: close end the connection") {
  Place place;
  Client client(place.start());
  SUBCASE("HTTP/1.0, which needs no Host") { client.put("GET / HTTP/1.0\r\n\r\n"); }
  SUBCASE("HTTP/1.0 that wants to stay") { client.put("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"); }
  SUBCASE("Connection: close") { client.put(get("/", "Connection: close\r\n")); }
  const Reply reply = client.next();
  CHECK(reply.status == 200);
  CHECK(reply.body == "GET / ");
  CHECK(reply.has("Connection: close"));
  CHECK(client.ended());
}

TEST_CASE("http server: a response to HEAD has the head of its body and no body") {
  Place place;
  std::string expected;
  SUBCASE("whole") { expected = "Content-Length: 8"; }
  SUBCASE("streamed, with a length") {
    expected = "Content-Length: 8";
    place.handler.handles = [](Exchange& exchange) {
      exchange.begin(200, {}, 8);
      if (exchange.write("abcd").ok() && exchange.write("efgh").ok()) exchange.end();
    };
  }
  SUBCASE("streamed, in chunks") {
    expected = "Transfer-Encoding: chunked";
    place.handler.handles = [](Exchange& exchange) {
      exchange.begin(200, {}, std::nullopt);
      if (exchange.write("abcd").ok() && exchange.write("efgh").ok()) exchange.end();
    };
  }
  Client client(place.start());
  const std::string request = "HEAD /h HTTP/1.1\r\nHost: a\r\n";
  client.put(request + "\r\n" + request + "Connection: close\r\n\r\n");
  for (int i = 0; i < 2; ++i) {
    const Reply reply = client.next(Replies::Body::none);
    CHECK(reply.status == 200);
    CHECK(reply.has(expected));
  }
  CHECK(client.ended());
}

TEST_CASE("http server: status 204 has neither a body nor a length") {
  Place place;
  place.handler.handles = [](Exchange& exchange) { exchange.respond({204, {}, "lost"}); };
  Client client(place.start());
  client.put(get("/") + get("/"));
  for (int i = 0; i < 2; ++i) {
    const Reply reply = client.next();
    CHECK(reply.status == 204);
    CHECK(reply.head.find("Content-Length") == std::string::npos);
  }
}

TEST_CASE("http server: a handler sees the head, the client's address and the door") {
  Place place;
  place.doors = {{kAnyPort}, {kAnyPort}};
  place.handler.handles = [](Exchange& exchange) {
    const Head& head = exchange.head();
    exchange.respond({200,
                      {{"X-Own", "kept"}},
                      head.from.text() + ' ' + std::to_string(head.door) + ' ' + std::string(*head.header("x-TWICE")) +
                          ' ' + std::to_string(head.count("X-twice")) + std::to_string(head.count("none")) +
                          (head.header("none") ? "" : " -")});
  };
  place.start();
  for (std::size_t door = 0; door < 2; ++door) {
    Client client(place.server->local()[door]);
    const Reply reply = client.ask(get("/", "X-Twice: one\r\nx-twice: two\r\n"));
    CHECK(reply.has("X-Own: kept"));
    CHECK(reply.body == os::local_endpoint(client.socket().get()).text() + ' ' + std::to_string(door) + " one 20 -");
  }
}

TEST_CASE("http server: a body by length and by chunks arrives whole") {
  Place place;
  Client client(place.start());
  std::string body;
  for (int i = 0; body.size() < 300'000; ++i) body += std::to_string(i) + '\n';
  SUBCASE("by length") { put_all(client.socket(), post(body)); }
  SUBCASE("in chunks") {
    std::string request = kChunkedPost;
    for (std::size_t at = 0; at < body.size(); at += 7'777) request += chunk(std::string_view(body).substr(at, 7'777));
    put_all(client.socket(), request + kLastChunk);
  }
  SUBCASE("in chunks with extensions and trailers") {
    put_all(client.socket(), kChunkedPost + "3;a=b\r\n" + body.substr(0, 3) + "\r\n" + chunk(body.substr(3)) +
                                 "0\r\nX-Trailer: yes\r\n\r\n");
  }
  CHECK(client.next().body == "POST /p " + body);
  CHECK(client.ask(get("/next")).body == "GET /next ");
}

TEST_CASE("http server: a request that can be read in two ways is refused") {
  Place place;
  const base::Endpoint at = place.start();
  const std::string line = "POST / HTTP/1.1\r\nHost: a\r\n", chunked = "Transfer-Encoding: chunked\r\n";
  CHECK(refuses(at, line + chunked + "Content-Length: 5\r\n\r\n" + kLastChunk, 400));
  CHECK(refuses(at, line + "Content-Length: 5\r\n" + chunked + "\r\n" + kLastChunk, 400));
  CHECK(refuses(at, line + "Content-Length: 0\r\n" + chunked + "\r\n" + kLastChunk, 400));
  for (const char* coding : {"x", "gzip, chunked", "chunked, gzip", "chunked, chunked", "identity", "chunked;q=1"})
    CHECK(refuses(at, line + "Transfer-Encoding: " + coding + "\r\n\r\n" + kLastChunk, 400));
  CHECK(refuses(at, line + chunked + chunked + "\r\n" + kLastChunk, 400));
  CHECK(refuses(at, line + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400));
  CHECK(refuses(at, line + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400));
  for (const char* length : {"1, 1", "-1", "+1", "0x1", "1 1", "99999999999999999999999", ""})
    CHECK(refuses(at, line + "Content-Length: " + length + "\r\n\r\nx", 400));
  CHECK(refuses(at, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400));
  CHECK(refuses(at, "GET / HTTP/1.1\r\n\r\n", 400));
  CHECK(place.handler.handled == 0);
}

TEST_CASE("http server: bytes that are not HTTP/1 are refused") {
  Place place;
  const base::Endpoint at = place.start();
  CHECK(refuses(at, "hello\r\n\r\n", 400));
  CHECK(refuses(at, "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505));
  CHECK(refuses(at, "GET / HTTP/1.9\r\nHost: a\r\n\r\n", 505));
  CHECK(refuses(at, "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400));
  CHECK(refuses(at, get("/", std::string("X: ") + '\0' + "\r\n"), 400));
  CHECK(refuses(at, kChunkedPost + "zz\r\n", 400));
  CHECK(refuses(at, kChunkedPost + "fffffffffffffffffff\r\n", 400));
  CHECK(refuses(at, kChunkedPost + "1\r\nabcd\r\n", 400));
  CHECK(place.handler.handled == 0);
}

TEST_CASE("http server: an upgrade is ignored, and its body is still a body") {
  Place place;
  Client client(place.start());
  client.put("POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nGET /");
  CHECK(client.next().body == "POST / GET /");
  CHECK(client.ask(get("/")).status == 200);
}

TEST_CASE("http server: a head above its limit is refused, also when it never ends") {
  Place place;
  place.limits.header_bytes_max = 4'096;
  const base::Endpoint at = place.start();
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ", end = "\r\n\r\n";
  Client client(at);
  CHECK(client.ask(start + std::string(4'096 - start.size() - end.size(), 'x') + end).status == 200);
  CHECK(refuses(at, start + std::string(4'097 - start.size() - end.size(), 'x') + end, 431));
  Client endless(at);
  put_all(endless.socket(), start);
  const std::string more(64 << 10, 'x');
  std::size_t sent = 0;
  while (sent < (256u << 20)) {
    const std::size_t bytes = put_all(endless.socket(), more);
    sent += bytes;
    if (bytes < more.size()) break;
  }
  CHECK(sent < (256u << 20));
  CHECK(endless.next().status == 431);
  CHECK(endless.ended());
}

TEST_CASE("http server: a path above 8 KiB is refused") {
  Place place;
  const base::Endpoint at = place.start();
  CHECK(Client(at).ask(get('/' + std::string((8 << 10) - 1, 'x'))).status == 200);
  CHECK(refuses(at, get('/' + std::string(8 << 10, 'x')), 414));
  CHECK(refuses(at, get('/' + std::string(100 << 10, 'x')), 414));
  CHECK(refuses(at, "GET /" + std::string(16 << 10, 'x'), 414));
}

TEST_CASE("http server: a body above its limit is refused") {
  Place place;
  place.limits.body_bytes_max = 1'000;
  const base::Endpoint at = place.start();
  CHECK(Client(at).ask(post(std::string(1'000, 'x'))).status == 200);
  CHECK(refuses(at, post(std::string(1'001, 'x')), 413));
  CHECK(refuses(at, post(std::string(1 << 20, 'x')), 413));
  CHECK(Client(at).ask(kChunkedPost + chunk(std::string(1'000, 'x')) + kLastChunk).status == 200);
  CHECK(refuses(at, kChunkedPost + chunk(std::string(1'000, 'x')) + chunk("x") + kLastChunk, 413));
  CHECK(refuses(at, kChunkedPost + "ffffffff\r\n", 413));
  CHECK(refuses(at, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n", 413));
}

TEST_CASE("http server: bodies that arrive at once have a limit together") {
  Place place;
  place.limits.waiting_bytes_max = 1'500;
  const base::Endpoint at = place.start();
  const std::string body(1'000, 'x');
  {
    Client first(at);
    first.put("POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n");
    REQUIRE(first.next().status == 100);  // now it waits for the body
    CHECK(refuses(at, post(body), 503));
    CHECK(Client(at).ask(post("few")).status == 200);
    SUBCASE("until the body has come") { CHECK(first.ask(body).body == "POST /p " + body); }
    SUBCASE("until the client has gone") {}
  }
  CHECK(eventually([&] {
    Client client(at);
    put_all(client.socket(), post(body));
    return client.next().status == 200;
  }));
}

TEST_CASE("http server: a silent client is cut off, a slow client gets 408") {
  Place place;
  place.limits.head_timeout = 100ms;
  place.limits.body_timeout = 100ms;
  place.limits.idle_timeout = 100ms;
  const base::Endpoint at = place.start();
  const Client silent(at);
  CHECK(rest(silent.socket()).empty());
  CHECK(refuses(at, "GET / HT", 408));
  CHECK(refuses(at, half_body(), 408));
  CHECK(refuses(at, kChunkedPost + chunk("abc"), 408));
  Client idle(at);
  CHECK(idle.ask(get("/")).status == 200);
  CHECK(idle.ended());
}

TEST_CASE("http server: a client that never stops sending a head slowly is cut") {
  Place place;
  place.limits.head_timeout = 100ms;
  Client client(place.start());
  client.put("GET / HTTP/1.1\r\nX: ");
  CHECK(eventually([&] { return ::send(client.socket().get(), "x", 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN; }));
}

TEST_CASE("http server: a client that expects to continue gets 100, then the response") {
  Place place;
  SUBCASE("for a whole body") {}
  SUBCASE("for a streamed body") {
    place.handler.stream([](Exchange& exchange) {
      const auto body = read_all(exchange);
      exchange.respond({200, {}, "POST /p " + (body.ok() ? body.value() : body.error().message)});
    });
  }
  Client client(place.start());
  const std::string head = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: ";
  CHECK(client.ask(head + "100-Continue\r\n\r\n").status == 100);
  CHECK(client.ask("body").body == "POST /p body");
  CHECK(client.ask(head + "100-continue\r\n\r\nbody").body == "POST /p body");  // it did not wait
  CHECK(refuses(place.server->local()[0], head + "200-ok\r\n\r\n", 417));
}

TEST_CASE("http server: a connection above the limit is closed, and the others live") {
  Place place;
  place.limits.connections_max = 2;
  const base::Endpoint at = place.start();
  Client first(at);
  CHECK(first.ask(get("/")).status == 200);
  {
    Client second(at);
    CHECK(second.ask(get("/")).status == 200);
    CHECK(rest(connected(at)).empty());
    CHECK(second.ask(get("/")).status == 200);
  }
  CHECK(first.ask(get("/")).status == 200);
  CHECK(eventually([&] { return answer_to(at, get("/", "Connection: close\r\n")).starts_with("HTTP/1.1 200 "); }));
}

TEST_CASE("http server: a planned answer needs neither a thread nor the body") {
  Place place;
  place.limits.running_max = place.limits.queued_max = place.limits.streams_max = 0;
  place.handler.plans = [](const Head& head) {
    Handler::Plan plan;
    if (head.target != "/handled") plan.answer = Response{403, {{"X-Plan", "yes"}}, "no"};
    return plan;
  };
  Client client(place.start());
  for (int i = 0; i < 3; ++i) {
    const Reply reply = client.ask(get("/"));
    CHECK(reply.status == 403);
    CHECK(reply.has("X-Plan: yes"));
    CHECK(reply.body == "no");
  }
  CHECK(client.ask(get("/handled")).status == 503);
  put_all(client.socket(), post(std::string(1 << 20, 'x')));
  CHECK(client.next().status == 403);
  CHECK(client.ended());
  CHECK(place.handler.handled == 0);
}

TEST_CASE("http server: a failing handler gives 500, and the server survives") {
  Place place;
  place.handler.handles = [](Exchange& exchange) {
    if (exchange.head().target == "/throws") throw std::runtime_error("a bug");
    if (exchange.head().target == "/twice") exchange.respond({200, {}, "first"});
    if (exchange.head().target == "/twice") exchange.respond({200, {}, "second"});
  };
  Client client(place.start());
  CHECK(client.ask(get("/throws")).status == 500);
  CHECK(client.ask(get("/silent")).status == 500);
  CHECK(client.ask(get("/twice")).body == "first");
  CHECK(client.ask(get("/throws")).status == 500);
}

TEST_CASE("http server: a handler has its request also after its response") {
  Signal second_answered, seen;
  std::string target, body;
  Place place;
  place.handler.handles = [&](Exchange& exchange) {
    const std::string name = exchange.body();
    exchange.respond({200, {}, name});
    if (name != "first") return;
    second_answered.comes();
    target = exchange.head().target;
    body = exchange.body();
    exchange.on_gone([] {});  // of the first request, not of the second
    seen.give();
  };
  Client client(place.start());
  CHECK(client.ask(post("first")).body == "first");
  CHECK(client.ask(post("second")).body == "second");
  second_answered.give();
  REQUIRE(seen.comes());
  CHECK(target == "/p");
  CHECK(body == "first");
}

TEST_CASE("http server: a streamed body is read in pieces, with back-pressure") {
  constexpr std::size_t kBytes = 8u << 20;
  Signal may_read;
  Place place;
  place.handler.stream([&](Exchange& exchange) {
    may_read.comes();
    std::size_t bytes = 0, largest = 0;
    std::vector<std::uint8_t> room(50'000);
    while (true) {
      const auto got = exchange.read(room);
      if (!got.ok() || got.value() == 0) break;
      bytes += got.value();
      largest = std::max(largest, got.value());
    }
    exchange.respond({200, {}, std::to_string(bytes) + (largest <= room.size() ? " in pieces" : "")});
  });
  Client client(place.start());
  const int small = 64 << 10;
  REQUIRE(::setsockopt(client.socket().get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
  std::string request;
  SUBCASE("by length") { request = post(std::string(kBytes, 'x')); }
  SUBCASE("in chunks") {
    request = kChunkedPost;
    for (std::size_t at = 0; at < kBytes; at += 128u << 10) request += chunk(std::string(128u << 10, 'x'));
    request += kLastChunk;
  }
  std::string_view left = request;
  while (!left.empty() && takes_more(client.socket(), 200ms)) {
    const ssize_t taken = ::send(client.socket().get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (taken > 0) left.remove_prefix(static_cast<std::size_t>(taken));
  }
  CHECK(left.size() > 0);
  may_read.give();
  put_all(client.socket(), left);
  CHECK(client.next().body == std::to_string(kBytes) + " in pieces");
  client.put(post("x"));
  CHECK(client.next().body == "1 in pieces");
  CHECK(client.ask(get("/")).body == "0 in pieces");
}

TEST_CASE("http server: a streamed body that does not come whole is an error of its reader") {
  Signal done;
  std::optional<base::Code> code;
  Place place;
  place.limits.body_timeout = 200ms;
  place.handler.stream([&](Exchange& exchange) {
    const auto body = read_all(exchange);
    if (!body.ok()) code = body.error().code;
    exchange.respond({200, {}, body.ok() ? "whole" : body.error().message});
    done.give();
  });
  const base::Endpoint at = place.start();
  Client client(at);
  SUBCASE("from a slow client, which still gets the response") {
    client.put(kChunkedPost + chunk("abc"));
    const Reply reply = client.next();
    CHECK(reply.body == "the client is too slow");
    CHECK(reply.has("Connection: close"));
    CHECK(client.ended());
    CHECK(code == base::Code::timeout);
  }
  SUBCASE("because it is invalid") {
    client.put(kChunkedPost + chunk("abc") + "zz\r\n");
    CHECK(client.next().status == 200);
    CHECK(client.ended());
    CHECK(code == base::Code::malformed);
  }
  SUBCASE("from a client that has gone") {
    client.put(kChunkedPost + chunk("abc"));
    client.close();
    REQUIRE(done.comes());
    CHECK(code == base::Code::unavailable);
  }
}

TEST_CASE("http server: an unread streamed body ends the connection after the response") {
  Place place;
  place.handler.stream([](Exchange& exchange) { exchange.respond({200, {}, "enough"}); });
  Client client(place.start());
  put_all(client.socket(), post(std::string(1 << 20, 'x')));
  CHECK(client.next().body == "enough");
  CHECK(client.ended());
}

TEST_CASE("http server: a streamed response arrives in chunks, and the connection stays") {
  Place place;
  std::string expected;
  for (int i = 0; i < 300; ++i)
    expected += std::string(static_cast<std::size_t>(i) * 7, static_cast<char>('a' + i % 26));
  place.handler.stream([&](Exchange& exchange) {
    exchange.begin(201, {{"X-Own", "kept"}}, std::nullopt);
    bool all = true;
    for (int i = 0; i < 300; ++i)
      all = all && exchange.write(std::string(static_cast<std::size_t>(i) * 7, static_cast<char>('a' + i % 26))).ok();
    if (all) exchange.end();
  });
  Client client(place.start());
  for (int i = 0; i < 3; ++i) {
    const Reply reply = client.ask(get("/"));
    CHECK(reply.status == 201);
    CHECK(reply.has("X-Own: kept"));
    CHECK(reply.chunked);
    CHECK(reply.whole);
    CHECK(reply.body == expected);
  }
  client.put("GET / HTTP/1.0\r\n\r\n");  // knows no chunks: its body ends with the connection
  const Reply old = client.next();
  CHECK_FALSE(old.chunked);
  CHECK(old.body == expected);
}

TEST_CASE("http server: a streamed response of zero parts is whole") {
  Place place;
  place.handler.stream([](Exchange& exchange) {
    exchange.begin(200, {}, exchange.head().target == "/length" ? std::optional<std::uint64_t>(0) : std::nullopt);
    exchange.end();
    exchange.end();  // harmless
  });
  Client client(place.start());
  for (const char* target : {"/length", "/chunks", "/length"}) {
    const Reply reply = client.ask(get(target));
    CHECK(reply.status == 200);
    CHECK(reply.whole);
    CHECK(reply.body.empty());
  }
}

TEST_CASE("http server: a streamed response that is not whole is cut") {
  Place place;
  place.handler.stream([](Exchange& exchange) {
    const std::string& target = exchange.head().target;
    const bool has_length = target == "/short" || target == "/long";
    exchange.begin(200, {}, has_length ? std::optional<std::uint64_t>(8) : std::nullopt);
    const auto first = exchange.write("abcd");
    if (target == "/throws") throw std::runtime_error("a bug");
    if (target == "/long" && exchange.write("efghi").ok()) return;
    if (target != "/returns" && first.ok()) exchange.end();
  });
  const base::Endpoint at = place.start();
  for (const char* target : {"/returns", "/throws", "/short", "/long"}) {
    Client client(at);
    const Reply reply = client.ask(get(target));
    CHECK(reply.status == 200);
    CHECK(reply.body == "abcd");
    CHECK_FALSE(reply.whole);
    CHECK(client.ended());
  }
}

TEST_CASE("http server: a client that goes while its handler runs is reported") {
  Signal running, gone;
  Place place;
  SUBCASE("to a handler of whole bodies") {
    place.handler.handles = [&](Exchange& exchange) {
      exchange.on_gone([&] { gone.give(); });
      running.give();
      gone.comes();
    };
  }
  SUBCASE("to a handler of streams") {
    place.handler.stream([&](Exchange& exchange) {
      exchange.on_gone([&] { gone.give(); });
      running.give();
      gone.comes();
    });
  }
  Client client(place.start());
  client.put(get("/"));
  REQUIRE(running.comes());
  client.close();
  CHECK(gone.comes());
}

TEST_CASE("http server: a client that stays until its response is not reported as gone") {
  std::atomic<int> gone{0};
  Place place;
  place.handler.handles = [&](Exchange& exchange) {
    exchange.on_gone([&] { ++gone; });
    exchange.respond({200, {}, "here"});
  };
  {
    Client client(place.start());
    for (int i = 0; i < 3; ++i) CHECK(client.ask(get("/")).body == "here");
  }
  place.server.reset();
  CHECK(gone == 0);
}

TEST_CASE("http server: a client that reads nothing is an error of its writer") {
  Signal done;
  std::optional<base::Code> code;
  Place place;
  place.limits.body_timeout = 200ms;
  place.handler.stream([&](Exchange& exchange) {
    const std::string part(1 << 20, 'x');
    exchange.begin(200, {}, std::nullopt);
    for (int i = 0; i < 1'024 && !code; ++i)
      if (const auto written = exchange.write(part); !written.ok()) code = written.error().code;
    done.give();
  });
  Client client(place.start());
  client.put(get("/"));
  SUBCASE("while it stays") {}
  SUBCASE("after it has gone") { client.close(); }
  REQUIRE(done.comes());
  CHECK(code == base::Code::unavailable);
}

TEST_CASE("http server: requests above the queue's limit get 503, later requests work") {
  Signal running, may_end;
  Place place;
  place.limits.running_max = place.limits.queued_max = 1;
  place.handler.handles = [&](Exchange& exchange) {
    running.give();
    may_end.comes();
    exchange.respond({200, {}, "done"});
  };
  const base::Endpoint at = place.start();
  Client first(at), second(at), third(at);
  first.put(get("/"));
  REQUIRE(running.comes());
  second.put(get("/"));
  third.put(get("/"));
  const std::array<int, 2> both{second.socket().get(), third.socket().get()};
  const auto answered = os::Waker::readable(both, kExchangeMax);
  REQUIRE((answered[0] || answered[1]));
  Client& refused = answered[0] ? second : third;
  Client& waiting = answered[0] ? third : second;
  const Reply reply = refused.next();
  CHECK(reply.status == 503);
  CHECK(reply.has("Retry-After: 1"));
  may_end.give();
  CHECK(first.next().body == "done");
  CHECK(waiting.next().body == "done");
  CHECK(eventually([&] { return refused.ask(get("/")).status == 200; }));
}

TEST_CASE("http server: streams above their number get 503, and other requests work") {
  Signal running, may_end;
  Place place;
  place.limits.streams_max = 1;
  place.handler.plans = [](const Head& head) { return Handler::Plan{.streams = head.target == "/stream"}; };
  place.handler.handles = [&](Exchange& exchange) {
    if (exchange.head().target == "/stream") {
      running.give();
      may_end.comes();
    }
    exchange.respond({200, {}, "done"});
  };
  const base::Endpoint at = place.start();
  Client first(at), second(at);
  first.put(get("/stream"));
  REQUIRE(running.comes());
  const Reply refused = second.ask(get("/stream"));
  CHECK(refused.status == 503);
  CHECK(refused.has("Retry-After: 1"));
  CHECK(second.ask(get("/")).body == "done");
  may_end.give();
  CHECK(first.next().body == "done");
  CHECK(eventually([&] { return second.ask(get("/stream")).status == 200; }));
}

TEST_CASE("http server: its end waits for no client") {
  Signal running, gone;
  std::optional<base::Code> code;
  Place place;
  place.limits.head_timeout = place.limits.idle_timeout = place.limits.body_timeout = 1h;
  std::string request = get("/");
  bool blocks = true, tls = false;
  SUBCASE("when no handler runs") {
    blocks = false;
    running.give();
  }
  SUBCASE("when a handler reads") {
    request = kChunkedPost + chunk("abc");
    SUBCASE("plain") {}
    SUBCASE("over TLS") { tls = true; }
    place.handler.stream([&](Exchange& exchange) {
      running.give();
      if (const auto body = read_all(exchange); !body.ok()) code = body.error().code;
      gone.give();
    });
  }
  SUBCASE("when a handler writes") {
    SUBCASE("plain") {}
    SUBCASE("over TLS") { tls = true; }
    place.handler.stream([&](Exchange& exchange) {
      const std::string part(1 << 20, 'x');
      exchange.begin(200, {}, std::nullopt);
      running.give();
      for (int i = 0; i < 1'024 && !code; ++i)
        if (const auto written = exchange.write(part); !written.ok()) code = written.error().code;
      gone.give();
    });
  }
  SUBCASE("when a handler waits for its client to go") {
    place.handler.handles = [&](Exchange& exchange) {
      exchange.on_gone([&] { gone.give(); });
      running.give();
      if (gone.comes()) code = base::Code::unavailable;
      exchange.respond({});
    };
  }
  if (tls) place.doors.push_back(tls_door());
  const base::Endpoint at = place.start();
  const Client silent(at);
  Client half(at), idle(at), asking(at);
  half.put("GET / HT");
  std::optional<TlsClient> secret;
  if (tls) secret.emplace(place.server->local()[1]);
  tls ? secret->put(request) : asking.put(request);
  REQUIRE(running.comes());
  place.server.reset();
  CHECK(rest(silent.socket()).empty());
  CHECK(half.ended());
  if (!blocks) return;
  CHECK(gone.comes());
  CHECK(code == base::Code::unavailable);
}

TEST_CASE("http server: its end runs the handlers that still wait for a thread") {
  Signal running;
  Place place;
  place.limits.running_max = 1;
  place.handler.handles = [&](Exchange& exchange) {
    const auto gone = std::make_shared<Signal>();
    exchange.on_gone([gone] { gone->give(); });
    running.give();
    if (gone->comes()) exchange.respond({200, {}, "too late"});
  };
  const base::Endpoint at = place.start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<Client>(at));
    clients.back()->put(get("/"));
  }
  REQUIRE(running.comes());
  place.server.reset();
  for (const auto& client : clients) {
    const Reply reply = client->next();  // one may still be sent
    CHECK((reply.status == 0 || reply.has("Connection: close")));
    CHECK(client->ended());
  }
}

TEST_CASE("http server: many clients at once are all answered") {
  Place place;
  place.limits.running_max = 8;
  const base::Endpoint at = place.start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<Client>(at));
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < clients.size(); ++i) clients[i]->put(post(std::to_string(i)));
    for (std::size_t i = 0; i < clients.size(); ++i) CHECK(clients[i]->next().body == "POST /p " + std::to_string(i));
  }
}

TEST_CASE("http server: an address that cannot be had is an error that says why") {
  Place place;
  const base::Endpoint at = place.start();
  const auto taken = Server::serve({{kAnyPort}, {*base::HostPort::parse(at.text())}}, {}, place.handler);
  REQUIRE_FALSE(taken.ok());
  CHECK(taken.error().code == base::Code::conflict);
  CHECK(taken.error().message == "cannot listen at " + at.text() + ": Address already in use");
  const auto foreign = Server::serve({{{"192.0.2.1", 0}}}, {}, place.handler);  // TEST-NET-1: nobody's
  REQUIRE_FALSE(foreign.ok());
  CHECK(foreign.error().code == base::Code::refused);
  const auto unknown = Server::serve({{{std::string(64, 'x') + ".invalid", 0}}}, {}, place.handler);
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().code == base::Code::not_found);
  place.server.reset();
  CHECK(Server::serve({{*base::HostPort::parse(at.text())}}, {}, place.handler).ok());  // free at once
}
