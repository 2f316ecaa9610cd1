#pragma once
// How the threads that run actors find work: CAF's work stealing, in which a worker of an idle process sleeps.
//
// Source  CAF 0.17.6, `policy/work_stealing.hpp`. There a worker without work looks for it every 50 us for 25 ms after
//         each message, and every 10 ms from then on, whatever the others do.
// Order   each worker has three queues, and takes from them in turn: what its own actors sent to, the latest first;
//         what came from elsewhere (sockets, disks, clocks); and actors whose turn ended before their messages did. So
//         one that has much to do delays a short one by a turn, not by all that waits.
// States  running: has work. Searching: looks at all queues, for about a millisecond while another one runs. Asleep: is
//         woken, and while another one runs looks once in CAF's 10 ms, at what was added just as it fell asleep.
// Wake    work that is added to a sleeping worker wakes it. Work that is added to a running one calls a sleeping one to
//         search, unless one searches already.
#include <array>
#include <atomic>
#include <caf/logger.hpp>
#include <caf/policy/work_stealing.hpp>
#include <thread>
#include <utility>

// With this macro CAF's worker reports each turn to CAF's own log, which is off. The dynamic cast in it costs an eighth
// of a message.
#undef CAF_PUSH_AID_FROM_PTR
#define CAF_PUSH_AID_FROM_PTR(job) static_cast<void>(0)
#include <caf/scheduler/coordinator.hpp>

namespace troupe::os {

class Workers final : public caf::policy::work_stealing {
 public:
  struct coordinator_data : work_stealing::coordinator_data {
    using work_stealing::coordinator_data::coordinator_data;
    // Those of the workers that are neither are searching.
    alignas(64) std::atomic<std::size_t> running{0};
    alignas(64) std::atomic<std::size_t> asleep{0};
  };
  struct worker_data : work_stealing::worker_data {
    using work_stealing::worker_data::worker_data;
    worker_data(const worker_data& other) : work_stealing::worker_data(other) {}  // what waits is not copied

    bool empty() const { return queue.empty() && outside.empty() && continued.empty(); }
    caf::resumable* take() {
      const std::array<queue_type*, 3> all{&queue, &outside, &continued};
      for (std::size_t i = 0; i < all.size(); ++i) {
        queue_type& from = *all[next];
        next = (next + 1) % all.size();
        if (from.empty()) continue;
        if (caf::resumable* const job = from.take_head()) return job;
      }
      return nullptr;
    }
    /// For another worker. The oldest of what the own actors sent to.
    caf::resumable* give() {
      if (caf::resumable* const job = queue.take_tail()) return job;
      if (caf::resumable* const job = outside.take_head()) return job;
      return continued.take_head();
    }

    // `queue`: what the own actors sent to.
    queue_type outside, continued;
    std::size_t next = 0;  // of the three; known to its own thread alone, as are the next two
    bool running = false;
    bool stole = false;   // its latest work was in another's queue
    bool asleep = false;  // under waitdata.lock
  };

  template <class Worker>
  void external_enqueue(Worker* self, caf::resumable* job) {
    auto& mine = d(self);
    mine.outside.append(job);
    {
      const std::lock_guard hold(mine.waitdata.lock);
      if (mine.waitdata.sleeping) return wake(self);
    }
    call_one(self->parent());
  }

  template <class Worker>
  void internal_enqueue(Worker* self, caf::resumable* job) {
    d(self).queue.prepend(job);
    call_one(self->parent());
  }

  template <class Worker>
  void resume_job_later(Worker* self, caf::resumable* job) {
    d(self).continued.append(job);
    call_one(self->parent());
  }

  /// At the end of the system.
  template <class Worker, class Each>
  void foreach_resumable(Worker* self, Each each) {
    while (caf::resumable* const job = d(self).take()) each(job);
  }

  template <class Worker>
  caf::resumable* dequeue(Worker* self) {
    if (caf::resumable* const job = d(self).take()) return run(self, job);
    if (std::exchange(d(self).running, false)) d(self->parent()).running.fetch_sub(1);
    while (true) {
      if (caf::resumable* const job = search(self)) return run(self, job);
      if (caf::resumable* const job = sleep(self)) return run(self, job);
    }
  }

 private:
  template <class Worker>
  static bool alone(Worker* self) {
    return d(self->parent()).running.load() == 0;
  }

  template <class Worker>
  caf::resumable* run(Worker* self, caf::resumable* job) {
    auto& mine = d(self);
    if (std::exchange(mine.running, true)) return job;
    d(self->parent()).running.fetch_add(1);
    // There may be more where this came from, and this worker searches no longer.
    if (std::exchange(mine.stole, false) || !mine.empty()) call_one(self->parent());
    return job;
  }

  /// CAF's first phase, without a pause, and the beginning of its second, with short ones. The rest of that would have
  /// a worker of a busy process wake 20,000 times a second.
  template <class Worker>
  caf::resumable* search(Worker* self) {
    constexpr std::size_t kShortPauses = 20;  // our choice: a millisecond
    const auto& [aggressive, moderate, relaxed] = d(self).strategies;
    for (std::size_t i = 0; i < aggressive.attempts; i += aggressive.step_size)
      if (caf::resumable* const job = look(self, i % aggressive.steal_interval == 0)) return job;
    for (std::size_t i = 0; i < kShortPauses && !alone(self); ++i) {
      if (caf::resumable* const job = look(self, true)) return job;
      std::this_thread::sleep_for(moderate.sleep_duration);
    }
    return nullptr;
  }

  template <class Worker>
  caf::resumable* look(Worker* self, bool steals) {
    if (caf::resumable* const job = d(self).take()) return job;
    caf::resumable* const job = steals ? steal(self) : nullptr;
    d(self).stole = job != nullptr;
    return job;
  }

  template <class Worker>
  static caf::resumable* steal(Worker* self) {
    auto* const all = self->parent();
    if (all->num_workers() < 2) return nullptr;
    const std::size_t drawn = d(self).uniform(d(self).rengine);
    return d(all->worker_by_id(drawn == self->id() ? all->num_workers() - 1 : drawn)).give();
  }

  /// Until there is work, or it is called: then nothing. Each of the two counters is written before the other one is
  /// read, here and in run(): of a worker that begins to run either this one knows, or that one knows that this one
  /// sleeps. What was added before is looked for.
  template <class Worker>
  caf::resumable* sleep(Worker* self) {
    auto& mine = d(self);
    const auto called = [&] { return !mine.asleep || !mine.empty(); };
    std::unique_lock lock(mine.waitdata.lock);
    mine.waitdata.sleeping = mine.asleep = true;
    d(self->parent()).asleep.fetch_add(1);
    caf::resumable* job = nullptr;
    while (job == nullptr && !alone(self) &&
           !mine.waitdata.cv.wait_for(lock, mine.strategies[2].sleep_duration, called))
      job = look(self, true);
    if (job == nullptr) mine.waitdata.cv.wait(lock, called);
    if (mine.asleep) wake(self);
    mine.waitdata.sleeping = false;
    return job;
  }

  /// The worker's lock is held.
  template <class Worker>
  static void wake(Worker* self) {
    auto& theirs = d(self);
    if (std::exchange(theirs.asleep, false)) d(self->parent()).asleep.fetch_sub(1);
    theirs.waitdata.cv.notify_one();
  }

  /// Wakes a worker to search, unless one searches already or none is asleep.
  template <class Coordinator>
  static void call_one(Coordinator* all) {
    const std::size_t asleep = d(all).asleep.load();
    if (asleep == 0 || d(all).running.load() + asleep < all->num_workers()) return;
    for (std::size_t i = 0; i < all->num_workers(); ++i) {
      auto* const worker = all->worker_by_id(i);
      const std::lock_guard hold(d(worker).waitdata.lock);
      if (d(worker).asleep) return wake(worker);
    }
  }
};

using WorkersCoordinator = caf::scheduler::coordinator<Workers>;

}  // namespace troupe::os
