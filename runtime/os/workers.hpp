#pragma once
// How the threads that run actors find work: CAF's work stealing, changed so that a worker of an idle process sleeps.
//
// Source  CAF 0.17.6, `policy/work_stealing.hpp`. There a worker without work polls every 50 us for 25 ms after each
//         message, and every 10 ms from then on, whatever the other workers do.
// Order   each worker has three queues, and takes from them in turn: actors that got messages from its own actors, the
//         latest first; actors with messages from elsewhere (sockets, disks, clocks); and actors whose turn ended while
//         messages still waited. So a busy actor delays an actor with little work by one turn, not by all queued work.
// States  running: has work. Searching: polls all queues, for about a millisecond while another worker runs. Asleep:
//         waits to be woken, and while another worker runs also polls every 10 ms, as CAF does, for work that was added
//         just as this worker fell asleep.
// Wake    work that is added to a sleeping worker wakes it. Work that is added to a running worker wakes a sleeping
//         worker to search, unless a worker already searches.
#include <array>
#include <atomic>
#include <caf/logger.hpp>
#include <caf/policy/work_stealing.hpp>
#include <thread>
#include <utility>

// CAF's own macro reports each turn to CAF's log, which is off. Its dynamic cast takes an eighth of the time of a
// message.
#undef CAF_PUSH_AID_FROM_PTR
#define CAF_PUSH_AID_FROM_PTR(job) static_cast<void>(0)
#include <caf/scheduler/coordinator.hpp>

namespace troupe::os {

class Workers final : public caf::policy::work_stealing {
 public:
  struct coordinator_data : work_stealing::coordinator_data {
    using work_stealing::coordinator_data::coordinator_data;
    // The number of running workers; all others search or sleep.
    alignas(64) std::atomic<std::size_t> running{0};
    alignas(64) std::atomic<std::size_t> asleep{0};
  };
  struct worker_data : work_stealing::worker_data {
    using work_stealing::worker_data::worker_data;
    worker_data(const worker_data& other) : work_stealing::worker_data(other) {}  // queued work is not copied

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
    /// Returns work for another worker: the oldest job that this worker's actors caused, if any.
    caf::resumable* give() {
      if (caf::resumable* const job = queue.take_tail()) return job;
      if (caf::resumable* const job = outside.take_head()) return job;
      return continued.take_head();
    }

    // `queue`: actors that got messages from this worker's actors.
    queue_type outside, continued;
    std::size_t next = 0;  // index of the next of the three queues; used only by its own thread, like the next two
    bool running = false;
    bool stole = false;   // its latest work came from another worker's queue
    bool asleep = false;  // guarded by waitdata.lock
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

  /// Runs at the end of the system.
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
    // Wakes a worker: the same source may have more work, and this worker no longer searches.
    if (std::exchange(mine.stole, false) || !mine.empty()) call_one(self->parent());
    return job;
  }

  /// Searches like CAF's first phase, without pauses, and the beginning of its second phase, with short pauses. The
  /// rest of the second phase would wake a worker of a busy process 20,000 times per second.
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

  /// Sleeps until there is work; returns null if it is woken to search. Both here and in run(), a worker writes its own
  /// counter before it reads the other counter. So if a worker begins to run, either this worker sees that, or the
  /// other worker sees that this worker sleeps. A last search finds work that was added before.
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

  /// Call only with the worker's lock held.
  template <class Worker>
  static void wake(Worker* self) {
    auto& theirs = d(self);
    if (std::exchange(theirs.asleep, false)) d(self->parent()).asleep.fetch_sub(1);
    theirs.waitdata.cv.notify_one();
  }

  /// Wakes a worker to search, unless a worker already searches or none is asleep.
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
