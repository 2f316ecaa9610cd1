// The figures of `troupe bench kv`.
#include "apps/bench/figures.hpp"
#include "apps/bench/kv_processes.hpp"
#include "messages/words.hpp"

namespace troupe::bench {
namespace {

namespace words = raft::wire;

constexpr std::size_t kKvKeys = 100'000;  // as the benchmark of etcd has them
constexpr std::size_t kKvValueBytes = 256;

std::string key_of(std::uint64_t number) {
  std::string out = "key-00000000";
  for (std::size_t at = out.size(); number > 0 && at > 4; number /= 10)
    out[--at] = static_cast<char>('0' + number % 10);
  return out;
}

class KvLoad final : public Measuring {
 public:
  static constexpr const char* kName = "kv-load";
  enum class What : std::uint8_t { put, get, stale };
  struct Plan {
    runtime::Handle to;
    What what = What::put;
    std::size_t clients = 1;
    base::Duration span{0};
  };
  KvLoad(Plan plan, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)), plan_(plan) {}

  void start() override {
    progress_.emplace(now(), plan_.span);
    under_way_ = plan_.clients;
    for (std::size_t i = 0; i < plan_.clients; ++i) next();
  }

 private:
  void next() {
    if (over_) {
      if (--under_way_ == 0) end();
      return;
    }
    const std::string key = key_of(random().below(kKvKeys));
    if (plan_.what == What::put) put(key);
    else get(key);
  }
  void put(const std::string& key) {
    ask<words::Execute, words::Executed>(
        plan_.to, now() + kDue,
        [&](words::Execute::Builder out) {
          auto operation = out.initWhat().initTxn().initOperations(1)[0];
          operation.setKey(data_of(base::as_bytes(key)));
          auto value = operation.initPut(kKvValueBytes);
          std::fill(value.begin(), value.end(), static_cast<std::uint8_t>(random().next()));
        },
        [this, from = now()](runtime::Answer<words::Executed> answer) {
          done(from, !answer.ok()                                          ? answer.error().message
                     : answer.value().getOutcome() == words::Outcome::DONE ? ""
                                                                           : "a put was not done");
        });
  }
  void get(const std::string& key) {
    ask<words::GetKey, words::GotKey>(
        plan_.to, now() + kDue,
        [&](words::GetKey::Builder out) {
          out.setKey(data_of(base::as_bytes(key)));
          out.setStale(plan_.what == What::stale);
        },
        [this, from = now()](const runtime::Answer<words::GotKey>& answer) {
          done(from, answer.ok() ? "" : answer.error().message);
        });
  }
  void done(base::Instant from, const std::string& why) {
    const base::Instant at = now();
    if (why.empty()) note_delay(from, at);
    else if (figure_.errors++ == 0) figure_.error = why;
    if (!progress_->done(1, at)) over_ = true;
    next();
  }

  const Plan plan_;
  std::size_t under_way_ = 0;
  bool over_ = false;
};

}  // namespace

Measurement<Figures> measure_kv(os::Waker& waker, Runner& runner, KvProcesses& processes, base::Duration span) {
  if (auto made = processes.make_group(waker, runner); !made.ok()) return made.error();
  Figures out;
  struct One {
    const char* what;
    KvLoad::What does;
  };
  for (const One& one :
       {One{"kv.put", KvLoad::What::put}, One{"kv.get", KvLoad::What::get}, One{"kv.stale", KvLoad::What::stale}}) {
    for (const std::size_t clients : {1, 16, 128}) {
      const auto leads = processes.leader(runner);
      if (!leads.ok()) return leads.error();
      auto figure = runner.measure<KvLoad>("kv-load", span, {.what = one.what, .clients = clients},
                                           KvLoad::Plan{processes.member(leads.value()), one.does, clients, span});
      if (!figure.ok()) return figure.error();
      out.push_back(std::move(figure).value());
    }
  }
  return out;
}

}  // namespace troupe::bench
