#pragma once
// Answers HTTP requests by running commands, in the way of `troupe COMMAND --json`.
//
// Doors   a request needs `Authorization: Bearer KEY`, except for /healthz, /readyz and /openapi.json: an API key, or at
//         the first door the token. Its Host must be an address, localhost, or a name of api.hosts; its Origin, if it
//         has one, must be in api.origins.
// Audit   a call that changes something, and a refusal, is recorded before it is answered.
// Values  no request makes a command open a path of this machine: inputs and outputs travel in the bodies.
// Safety  any thread.
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "apps/api/guard.hpp"
#include "apps/api/recorder.hpp"
#include "apps/cli/connection.hpp"
#include "runtime/http/server.hpp"

namespace troupe::apps::api {

class OutputStream;

struct ServiceSetup {
  const Commands* table = nullptr;
  std::shared_ptr<Connection> connection;
  std::string token;
  std::uint32_t requests_per_s = 100;  ///< of a key without a rate of its own
  std::shared_ptr<RulesFile> rules;    ///< null: there are none
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
  /// What plan() passes on to handle().
  struct Decided {
    std::uint64_t trace = 0;         ///< zero: the request names an invalid trace
    std::optional<Caller> caller{};  ///< nullopt: the key is not valid, or none is needed
    std::optional<Called> called{};  ///< nullopt: the path needs no key
  };
  /// A request whose command runs.
  struct Run {
    http::Exchange& exchange;
    const Called& called;
    std::uint64_t trace;
    Caller caller{};
    Admitted admitted{};
    const Command& command() const { return *called.row->command; }
  };
  /// The commands that run for a key.
  struct Running {
    std::set<std::shared_ptr<Cancel>> all;
    std::size_t streams = 0;
  };
  class Place;

  Plan decide(const http::Head& head, Decided& decided);
  std::optional<http::Response> turned_away(const http::Head& head) const;
  /// Finds who sends the request; an error response if the key is not valid.
  std::variant<Caller, http::Response> caller_of(const http::Head& head);
  static http::Response not_permitted(const Denied& denied, Effect effect);
  Act act_of(const Run& run, const Invocation& invoked, int status) const;
  /// Records a call that changes something, then sends its response.
  void conclude(const Run& run, const Invocation& invoked, Exit exit, const std::string& output,
                http::Response response);
  base::Result<void, Failure> begin_request(const Run& run, const Invocation& invoked, const std::string& lines,
                                            const std::string& header);
  void lost(const std::string& key);
  void run(http::Exchange& exchange, const Decided& decided);
  void note_use(const Caller& caller);
  void move_file(const Run& run, const Invocation& invoked);
  void run_whole(const Run& run, const Invocation& invoked, const std::string& lines);
  void run_stream(const Run& run, const Invocation& invoked, const std::string& lines);
  static void respond(const Run& run, http::Response response);
  static void fail(const Run& run, const Failure& failure);
  void answer_ready(http::Exchange& exchange, std::uint64_t trace);
  Invocation invocation(const Called& called, Invocation::Values values, std::uint64_t trace) const;
  void begin_quiet_streams();

  const ServiceSetup setup_;
  const Routes routes_;
  const std::string openapi_;
  Recorder recorder_;
  Guard guard_;
  std::mutex lock_;
  std::condition_variable ends_;
  std::set<std::shared_ptr<OutputStream>> streams_;  // whose head may have to be sent before there is output
  std::map<std::string, Running> running_;           // by the key's id
  bool ending_ = false;
  std::thread ticker_;
  Keys keys_;  // last: its thread calls lost()
};

}  // namespace troupe::apps::api
