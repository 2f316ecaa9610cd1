#include "runtime/os/dialler.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/os/lookup_queue.hpp"
#include "runtime/os/sockets.hpp"

namespace troupe::os {

struct Dialler::Dial {
  base::HostPort to;
  std::string path;  // of a local socket instead
  base::Instant due;
  Done done;
  Allows allows;
  std::uint64_t owner = 0;
  bool waits() const { return resolved && !socket.valid(); }
  bool looking_up = false;
  bool tried = false;      // has tried an address
  bool gives_way = false;  // gives its address up, because other dials wait
  bool resolved = false;
  std::deque<base::Endpoint> addresses;  // to try
  base::Endpoint current;
  Descriptor socket;  // connecting to `current`
  base::Instant address_since, address_due;
  std::string why = "no response in time";
};

/// The threads that block in getaddrinfo. They share this object, so that a thread may outlive the dialler.
class Dialler::Lookups : public std::enable_shared_from_this<Lookups> {
 public:
  using Answer = std::function<void(std::uint64_t, std::vector<base::Endpoint>)>;
  explicit Lookups(Answer answer) : answer_(std::move(answer)) {}

  void ask(LookupQueue::Question question) {
    const std::lock_guard lock(mutex_);
    questions_.add(std::move(question));
    if (idle_ == 0 && threads_ < kLookupThreads) {
      ++threads_;
      std::thread([self = shared_from_this()] { self->run(); }).detach();
    }
    changed_.notify_one();
  }

  void forget(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    questions_.forget(number);
  }

  void end() {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    answer_ = nullptr;
    questions_.clear();
    changed_.notify_all();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      changed_.wait(lock, [this] { return ending_ || questions_.ready(); });
      --idle_;
      if (ending_) return;
      const LookupQueue::Question question = *questions_.take();
      lock.unlock();
      std::vector<base::Endpoint> addresses = look_up(question.host);
      lock.lock();
      questions_.done(question);
      if (answer_) answer_(question.number, std::move(addresses));
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Answer answer_;
  LookupQueue questions_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
  bool ending_ = false;
};

Dialler::Dialler(const ports::Clock& clock)
    : clock_(clock),
      bell_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      lookups_(std::make_shared<Lookups>(
          [this](std::uint64_t number, std::vector<base::Endpoint> found) { looked_up(number, std::move(found)); })) {
  base::ensure(bell_.valid(), "a descriptor is free for the dialler");
  thread_ = std::thread([this] { run(); });
}

Dialler::~Dialler() {
  lookups_->end();
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  ring();
  thread_.join();
}

void Dialler::dial(const base::HostPort& to, base::Instant due, Done done, Allows allows, std::uint64_t owner) {
  auto dial = std::make_unique<Dial>();
  dial->to = to;
  dial->due = due;
  dial->done = std::move(done);
  dial->allows = std::move(allows);
  dial->owner = owner;
  if (const auto numeric = base::Endpoint::parse(to.text())) {
    dial->addresses.push_back(*numeric);
    dial->resolved = true;
  }
  add(std::move(dial));
}

void Dialler::dial_local(const std::string& path, base::Instant due, Done done) {
  auto dial = std::make_unique<Dial>();
  dial->path = path;
  dial->due = due;
  dial->done = std::move(done);
  dial->resolved = true;
  add(std::move(dial));
}

void Dialler::add(std::unique_ptr<Dial> dial) {
  {
    const std::lock_guard lock(mutex_);
    if (!ending_ && known_ < kDialsMax) {
      ++known_;
      fresh_.push_back(std::move(dial));
    }
  }
  if (dial) return dial->done({{}, {}, "too many dials are in progress"});
  ring();
}

void Dialler::looked_up(std::uint64_t number, std::vector<base::Endpoint> addresses) {
  {
    const std::lock_guard lock(mutex_);
    answers_.emplace_back(number, std::move(addresses));
  }
  ring();
}

void Dialler::ring() {
  const std::uint64_t one = 1;
  // It fails only if the bell is already ringing.
  [[maybe_unused]] const ssize_t written = ::write(bell_.get(), &one, sizeof one);
}

void Dialler::run() {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (ending_) break;
      for (auto& dial : fresh_) dials_.emplace(number_next_++, std::move(dial));
      fresh_.clear();
      for (auto& [number, addresses] : answers_) {
        const auto known = dials_.find(number);
        if (known == dials_.end()) continue;
        known->second->resolved = true;
        known->second->addresses.assign(addresses.begin(), addresses.end());
        if (addresses.empty()) known->second->why = "the host is unknown";
      }
      answers_.clear();
    }
    make_room();
    expire();
    begin_waiting();
    wait_for_sockets();
  }
  while (!dials_.empty()) finish(dials_.begin()->first, {{}, {}, "the network is closed"});
  for (auto& dial : fresh_) dial->done({{}, {}, "the network is closed"});
}

/// Ends as many dials that have had their share as other dials wait.
void Dialler::make_room() {
  const auto count = [this](auto is) { return static_cast<std::size_t>(std::ranges::count_if(dials_, is)); };
  std::size_t more = count([](const auto& entry) { return entry.second->waits(); });
  const std::size_t connecting = count([](const auto& entry) { return entry.second->socket.valid(); });
  more -= std::min(more, kConnectsMax - std::min(kConnectsMax, connecting));
  const base::Instant now = clock_.now();
  for (auto& [number, dial] : dials_) {
    if (more == 0) return;
    if (!dial->socket.valid() || now < dial->address_since + kConnectShare) continue;
    dial->address_due = now;
    dial->gives_way = true;
    --more;
  }
}

/// Starts dials within the limits.
void Dialler::begin_waiting() {
  auto connecting = static_cast<std::size_t>(
      std::count_if(dials_.begin(), dials_.end(), [](const auto& entry) { return entry.second->socket.valid(); }));
  std::vector<std::uint64_t> ended;
  for (auto& [number, dial] : dials_) {
    if (dial->resolved || dial->looking_up) continue;
    dial->looking_up = true;
    lookups_->ask({number, dial->owner, dial->to});
  }
  // Dials that have tried no address come first; otherwise a dial that was just given up would take its slot again.
  for (const bool tried : {false, true}) {
    for (auto& [number, dial] : dials_) {
      if (connecting >= kConnectsMax) break;
      if (!dial->waits() || dial->tried != tried) continue;
      next_address(*dial);
      if (dial->socket.valid()) ++connecting;
      else ended.push_back(number);
    }
  }
  for (auto& [number, dial] : dials_) dial->tried = dial->tried || dial->socket.valid();
  for (const std::uint64_t number : ended) finish(number, {{}, {}, dials_.at(number)->why});
}

/// Starts to connect to the first address that can be dialled; if none is left, sets `why`.
void Dialler::next_address(Dial& dial) {
  if (!dial.path.empty()) {
    auto socket = connect_local(dial.path);
    if (socket.ok()) {
      dial.socket = std::move(socket).value();
      dial.address_since = clock_.now();
      dial.address_due = dial.due;
    } else {
      dial.why = socket.error().message;
    }
    return;
  }
  while (!dial.addresses.empty()) {
    // The remaining time is divided among the remaining addresses.
    const auto left = static_cast<std::int64_t>(dial.addresses.size());
    dial.gives_way = false;
    dial.address_since = clock_.now();
    dial.address_due = dial.address_since + (dial.due - dial.address_since) / left;
    dial.current = dial.addresses.front();
    dial.addresses.pop_front();
    if (dial.allows && !dial.allows(dial.current)) {
      dial.why = dial.current.text() + " is not allowed";
      continue;
    }
    auto socket = connect_tcp(dial.current);
    if (socket.ok()) {
      dial.socket = std::move(socket).value();
      return;
    }
    dial.why = socket.error().message;
  }
}

void Dialler::wait_for_sockets() {
  std::vector<pollfd> watched{{bell_.get(), POLLIN, 0}};
  std::vector<std::uint64_t> numbers;
  base::Instant next = base::Instant::max();
  const bool full = std::ranges::any_of(dials_, [](const auto& entry) { return entry.second->waits(); });
  for (const auto& [number, dial] : dials_) {
    next = std::min(next, dial->due);
    if (!dial->socket.valid()) continue;
    next = std::min(next, dial->address_due);
    if (full) next = std::min(next, dial->address_since + kConnectShare);
    watched.push_back({dial->socket.get(), POLLOUT, 0});
    numbers.push_back(number);
  }
  int patience = -1;
  if (next != base::Instant::max()) {
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(next - clock_.now());
    patience = static_cast<int>(std::clamp<std::int64_t>(rest.count(), 0, 3'600'000));
  }
  ::poll(watched.data(), watched.size(), patience);
  std::uint64_t rung = 0;
  [[maybe_unused]] const ssize_t read = ::read(bell_.get(), &rung, sizeof rung);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (watched[i + 1].revents == 0) continue;
    Dial& dial = *dials_.at(numbers[i]);
    if (const int error = connect_error(dial.socket); error != 0) {
      dial.why = reason(error);
      dial.socket.reset();
      if (dial.addresses.empty()) finish(numbers[i], {{}, {}, dial.why});
      continue;
    }
    if (!trusted(dial.socket.get())) {  // it would see this user's requests, and could send any response
      finish(numbers[i], {{}, {}, "the listening process belongs to neither this user nor root"});
      continue;
    }
    finish(numbers[i], {std::move(dial.socket), dial.current, {}});
  }
}

void Dialler::expire() {
  const base::Instant now = clock_.now();
  std::vector<std::uint64_t> ended;
  for (auto& [number, dial] : dials_) {
    const bool silent = dial->socket.valid() && now >= dial->address_due;
    if (now >= dial->due || (silent && dial->addresses.empty())) {
      ended.push_back(number);
    } else if (silent) {
      dial->socket.reset();  // the next address is tried
    }
  }
  for (const std::uint64_t number : ended) {
    const bool gave_way = dials_.at(number)->gives_way;
    finish(number, {{}, {}, gave_way ? "no response for a while, and other dials wait" : "no response in time"});
  }
}

void Dialler::finish(std::uint64_t number, Result result) {
  const auto known = dials_.find(number);
  const Done done = std::move(known->second->done);
  if (known->second->looking_up && !known->second->resolved) lookups_->forget(number);
  dials_.erase(known);
  {
    const std::lock_guard lock(mutex_);
    --known_;
  }
  done(std::move(result));
}

}  // namespace troupe::os
