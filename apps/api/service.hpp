#pragma once
// Answers HTTP requests by running commands, in the way of `troupe COMMAND --json`.
//
// Doors   a request needs `Authorization: Bearer TOKEN`, except for /healthz, /readyz and /openapi.json. Its Host must be
//         an address, localhost, or a name of api.hosts; its Origin, if it has one, must be in api.origins.
// Values  no request makes a command open a path of this machine: inputs and outputs travel in the bodies.
// Safety  any thread.
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "apps/api/routes.hpp"
#include "apps/cli/connection.hpp"
#include "runtime/http/server.hpp"

namespace troupe::apps::api {

struct ServiceSetup {
  const Commands* table = nullptr;
  std::shared_ptr<Connection> connection;
  std::string token;
  std::vector<std::string> hosts, origins;
};

class Service final : public http::Handler {
 public:
  explicit Service(ServiceSetup setup);
  ~Service() override;

  Plan plan(const http::Head& head) override;
  void handle(http::Exchange& exchange) override;
  http::Response refusal(int status, const std::string& why) override;

 private:
  class Stream;
  class Body;
  /// A request whose command runs.
  struct Run {
    http::Exchange& exchange;
    const Called& called;
    std::uint64_t trace;
    const Command& command() const { return *called.row->command; }
  };

  Plan decide(const http::Head& head);
  std::optional<http::Response> turned_away(const http::Head& head) const;
  void run(http::Exchange& exchange, const Called& called, std::string_view query);
  void move_file(const Run& run, const Invocation& invoked);
  void run_whole(const Run& run, const Invocation& invoked, const std::string& lines);
  void run_stream(const Run& run, const Invocation& invoked, const std::string& lines);
  static void respond(const Run& run, http::Response response);
  static void fail(const Run& run, const Failure& failure);
  void answer_ready(http::Exchange& exchange);
  Invocation invocation(const Called& called, Invocation::Values values, std::uint64_t trace) const;
  void begin_quiet_streams();

  const ServiceSetup setup_;
  const Routes routes_;
  const std::string openapi_;
  std::mutex lock_;
  std::condition_variable ends_;
  std::set<std::shared_ptr<Stream>> streams_;  // whose head may have to be sent before there is output
  bool ending_ = false;
  std::thread ticker_;
};

}  // namespace troupe::apps::api
