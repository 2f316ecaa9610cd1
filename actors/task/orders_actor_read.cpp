// Readers of tasks' output, and its removal.
#include <algorithm>

#include "actors/task/orders_actor.hpp"
#include "messages/codec.hpp"

namespace troupe::task {
namespace {

using base::Bytes;
using base::ByteView;
using base::Code;

constexpr std::uint32_t kScanRows = 64, kScanBytes = 384u << 10;  // our choice
constexpr std::uint32_t kEraseRows = 512;

bool begins_with(ByteView key, ByteView prefix) {
  return key.size() >= prefix.size() && std::ranges::equal(key.first(prefix.size()), prefix);
}

}  // namespace

void OrdersActor::read(wire::ReadTask::Reader question, runtime::Sink<wire::TaskText> to) {
  if (!ready_) return to.fail(tasks_.refusal());
  const auto id = TaskId::from(bytes_of(question.getId()));
  const auto job = id ? jobs_.find(*id) : jobs_.end();
  if (job == jobs_.end()) return to.fail({Code::not_found, "this node has no task with that id"});
  const Task& task = job->second.told();
  const bool result = question.getWhat() == wire::TaskPart::RESULT;
  if (result && !final(task.state()) && !question.getFollow())
    return to.fail({Code::conflict, "the task has not ended: it is " + std::string(name(task.state()))});
  if (readings_.size() >= kReadersMax)
    return to.fail({Code::overloaded, "too many readers of tasks' output", std::chrono::seconds(1)});
  const std::uint64_t number = ++readers_;
  Reading& reading = readings_[number];
  reading.to = std::move(to);
  reading.id = *id;
  reading.what = question.getWhat();
  reading.follow = question.getFollow();
  reading.to.on_cancel([this, number] { readings_.erase(number); });
  reading.to.on_ready([this, number] { read_on(number); });
  read_on(number);
}

/// Called when the task may have new output.
void OrdersActor::read_of(const TaskId& id) {
  std::vector<std::uint64_t> numbers;
  for (auto& [number, reading] : readings_) {
    if (reading.id != id) continue;
    reading.at_end = false;
    numbers.push_back(number);
  }
  for (const std::uint64_t number : numbers) read_on(number);
}

/// Chooses whose output is read: the deciding attempt's, otherwise the newest begun attempt's. Returns false if none.
bool OrdersActor::choose_token(Reading& reading) {
  const Task& task = jobs_.at(reading.id).told();
  std::uint64_t token = 0;
  if (const Attempt* const result = task.result()) {
    token = result->token;
  } else if (reading.what == wire::TaskPart::LOG) {
    for (const Attempt& one : task.attempts())
      if (one.state != AttemptState::starting) token = one.token;
  }
  if (token == 0) return false;
  if (token != reading.token) {
    reading.token = token;
    reading.from = text_prefix(reading.id, texts_of(token));
    reading.rows.clear();
    reading.at_end = false;
  }
  return true;
}

void OrdersActor::read_on(std::uint64_t number) {
  const auto at = readings_.find(number);
  if (at == readings_.end()) return;
  Reading& reading = at->second;
  const auto job = jobs_.find(reading.id);
  if (job == jobs_.end()) {
    reading.to.fail({Code::not_found, "the task was evicted to free space"});
    readings_.erase(at);
    return;
  }
  const Task& task = job->second.told();
  const bool over = final(task.state());
  const bool any = (over || reading.what == wire::TaskPart::LOG) && choose_token(reading);
  push_texts(reading);
  if (!reading.rows.empty() || reading.scanning) return;
  if (any && !reading.at_end) return scan(number);
  if (!over && reading.follow) return;
  if (!any && reading.what == wire::TaskPart::RESULT)
    reading.to.fail({Code::conflict, "the task has no result: " + std::string(name(task.state())) +
                                         (task.reason().empty() ? "" : ", " + task.reason())});
  else reading.to.end();
  readings_.erase(at);
}

void OrdersActor::push_texts(Reading& reading) {
  while (reading.to.ready() && !reading.rows.empty()) {
    const auto [key, row] = std::move(reading.rows.front());
    reading.rows.pop_front();
    const auto text = decode_text(row);
    if (!text) continue;
    const bool printed = text->part == kStandardPart || text->part == kErrorsPart;
    const bool wanted = reading.what == wire::TaskPart::LOG ? printed : text->part != kErrorsPart;
    if (!wanted) continue;
    reading.to.push([&](wire::TaskText::Builder out) {
      out.setPart(text->part);
      out.setTimeMs(text->unix_ms);
      out.setBytes(data_of(text->bytes));
      out.setToken(reading.token);
    });
  }
}

void OrdersActor::still_there() {
  after<StillThere>(kStillThere);
  for (auto& [number, reading] : readings_)
    if (reading.follow && reading.to.ready())
      reading.to.push([](wire::TaskText::Builder out) { out.setPart(kStandardPart); });
}

void OrdersActor::scan(std::uint64_t number) {
  Reading& reading = readings_.at(number);
  reading.scanning = true;
  reading.at_end = true;  // unless rows come, or are announced during the scan
  texts_.scan(reading.from, kScanRows, kScanBytes,
              [this, number, token = reading.token](const base::Outcome<store::Rows::Page>& page) {
                const auto at = readings_.find(number);
                if (at == readings_.end()) return;
                Reading& one = at->second;
                one.scanning = false;
                if (!page.ok()) {
                  one.to.fail(page.error());
                  readings_.erase(at);
                  return;
                }
                if (one.token != token) return read_on(number);
                const Bytes prefix = text_prefix(one.id, texts_of(token));
                for (const auto row : page.value().rows) {
                  const ByteView key = bytes_of(row.getKey()), value = bytes_of(row.getValue());
                  if (!begins_with(key, prefix)) break;
                  one.rows.push_back({{key.begin(), key.end()}, {value.begin(), value.end()}});
                  one.at_end = false;
                }
                if (!one.rows.empty()) {
                  one.from = one.rows.back().first;
                  one.from.push_back(0);  // the least key after it
                }
                read_on(number);
              });
}

// -- space

bool OrdersActor::make_room(const base::User<base::NodeId>& of, std::uint64_t text_bytes) {
  const std::uint64_t kept = settings_.kept_bytes;
  const auto above_share = [&] {
    return !of.reserved && texts_of_.used() + text_bytes > kept / 2 &&
           texts_of_.held(of.group) + text_bytes > kept / base::kGroupPart;
  };
  while (above_share())
    if (!forget_oldest(of.group)) return false;
  while (texts_of_.used() + text_bytes > kept)
    if (!forget_oldest()) return false;
  return true;
}

/// Forgets the task that ended first; unsettled tasks come last.
bool OrdersActor::forget_oldest(const std::optional<base::AddressGroup>& of) {
  const auto fits = [&](const auto& one) {
    return !of || std::ranges::any_of(jobs_.at(one.second).texts, [&](const auto& texts) {
      return texts.second.bytes > 0 && !texts.second.of.reserved && texts.second.of.group == *of;
    });
  };
  auto oldest =
      std::ranges::find_if(ended_, [&](const auto& one) { return !owing_.contains(one.second) && fits(one); });
  if (oldest == ended_.end()) oldest = std::ranges::find_if(ended_, fits);
  if (oldest == ended_.end()) return false;
  const TaskId id = oldest->second;
  ended_.erase(oldest);
  owing_.erase(id);
  const auto job = jobs_.find(id);
  for (const auto& [token, texts] : job->second.texts) texts_of_.release(texts.of, texts.bytes);
  nonces_.erase(job->second.entry.order.nonce);
  unsaved_.erase(id);
  if (!final(job->second.durable.state())) {
    job->second.durable = job->second.entry.task;
    member_ended(id);
  }
  jobs_.erase(job);
  member_forgotten(id);
  forgetting_.insert(id);
  read_of(id);
  erase_texts(id, text_prefix(id));
  return true;
}

/// Erases the output of failed attempts and of attempts that did not decide, to free space.
void OrdersActor::drop_unread(const TaskId& id) {
  Job& job = jobs_.at(id);
  const Task& task = job.entry.task;
  const Attempt* const result = task.result();
  std::erase_if(job.texts, [&](const auto& one) {
    const auto& [token, texts] = one;
    const Attempt* const attempt = task.find(token);
    const bool read = final(task.state())
                          ? result == nullptr || result->token == token
                          : attempt != nullptr && (attempt->active() || attempt->state == AttemptState::answered);
    if (token == kTextsBefore || read) return false;
    texts_of_.release(texts.of, texts.bytes);
    job.entry.text_bytes -= texts.bytes;
    erase_rows(id, token, 0, texts.rows);
    return true;
  });
}

/// Erases rows by number, because a scan does not return rows that are being saved.
void OrdersActor::erase_rows(const TaskId& id, std::uint64_t token, std::uint32_t from, std::uint32_t end) {
  store::RowChange change;
  while (from < end && change.erase.size() < kEraseRows) change.erase.push_back(text_key(id, token, from++));
  if (change.erase.empty()) return;
  texts_.write(std::move(change), [this, id, token, from, end](const base::Outcome<void>& erased) {
    if (erased.ok()) erase_rows(id, token, from, end);
  });
}

/// Erases the row of the task last, so that a crash in between is resumed after the next start.
void OrdersActor::erase_texts(const TaskId& id, Bytes from) {
  texts_.scan(from, kEraseRows, kScanBytes, [this, id](const base::Outcome<store::Rows::Page>& page) {
    if (!page.ok()) return;
    store::RowChange change;
    const Bytes prefix = text_prefix(id);
    std::optional<Bytes> next;
    bool all = true;
    for (const auto row : page.value().rows) {
      const ByteView key = bytes_of(row.getKey());
      if (!begins_with(key, prefix)) break;
      change.erase.push_back({key.begin(), key.end()});
      next = change.erase.back();
      all = false;
    }
    if (all) return erase_row(id);
    next->push_back(0);
    texts_.write(std::move(change), [this, id, next = std::move(*next)](const base::Outcome<void>& erased) mutable {
      if (erased.ok()) erase_texts(id, std::move(next));
    });
  });
}

}  // namespace troupe::task
