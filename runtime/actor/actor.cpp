#include "runtime/actor/actor.hpp"

#include "runtime/actor/shell.hpp"

namespace troupe::runtime {

Node& Actor::node() const { return shell_->node(); }
Handle Actor::self() const { return shell_->self(); }
const std::string& Actor::path() const { return shell_->path(); }
base::Instant Actor::now() const { return shell_->now(); }
base::Random& Actor::random() { return shell_->random(); }
Handle Actor::sender() const { return shell_->sender(); }
Caller Actor::caller() const { return shell_->caller(); }
void Actor::refuse(const base::Error& error) { shell_->refuse(error); }
void Actor::send(const Handle& to, Envelope envelope) { shell_->send(to, std::move(envelope)); }
void Actor::request(const Handle& to, Envelope question, base::Callback<void(const Envelope&)> callback) {
  shell_->request(to, std::move(question), std::move(callback));
}
void Actor::request_for(const Caller& asker, const Handle& to, Envelope question,
                        base::Callback<void(const Envelope&)> callback) {
  shell_->request(to, std::move(question), std::move(callback), asker.handle);
}
Handle Actor::spawn(std::string name, Factory factory, SpawnOptions options) {
  return shell_->spawn_child(std::move(name), std::move(factory), std::move(options));
}
void Actor::stop_child(const Handle& child) { shell_->stop_child(child); }
void Actor::watch(const Handle& whom) { shell_->watch(whom); }
void Actor::unwatch(const Handle& whom) { shell_->unwatch(whom); }
void Actor::finish(std::string why) { shell_->finish(std::move(why)); }
void Actor::deliver(const caf::strong_actor_ptr& to, caf::strong_actor_ptr from, std::uint64_t message_id,
                    Envelope envelope) {
  shell_->deliver(to, std::move(from), message_id, std::move(envelope));
}
void Actor::rename(std::string path) { shell_->rename(std::move(path)); }
Header Actor::header() const { return shell_->header(); }
void Actor::set_timer(TimerTag tag, base::Duration delay) { shell_->set_timer(tag, delay); }
void Actor::clear_timer(TimerTag tag) { shell_->clear_timer(tag); }
void Actor::note_stirs() { shell_->note_stirs(); }
void Actor::await_stir(TimerTag tag) { shell_->await_stir(tag); }

std::shared_ptr<StreamEnd> Actor::read_stream(const Handle& to, base::Duration idle, Envelope question,
                                              base::Callback<void(const Envelope&)> item,
                                              base::Callback<void(const Envelope&)> ended, logic::Credit window) {
  auto stream = shell_->open_stream(to, idle, std::move(question), window);
  stream->on_item = std::move(item);
  stream->on_end = std::move(ended);
  return stream;
}

std::shared_ptr<StreamEnd> Actor::write_stream(const Handle& to, base::Duration idle, Envelope question,
                                               base::Callback<void(const Envelope&)> answered) {
  auto stream = shell_->open_stream(to, idle, std::move(question), {});
  stream->on_end = std::move(answered);
  return stream;
}

// -- AnyReply --

AnyReply& AnyReply::operator=(AnyReply&& other) noexcept {
  drop();
  shell_ = std::exchange(other.shell_, nullptr);
  address_ = std::move(other.address_);
  return *this;
}

void AnyReply::forward(Envelope answer) {
  if (shell_ == nullptr) return;
  Shell* shell = std::exchange(shell_, nullptr);
  if (!shell->refused(address_)) shell->answer(address_, std::move(answer));
}

void AnyReply::refuse(const base::Error& error) { forward(error_envelope(error, header())); }

/// The size may depend on the request, perhaps on purpose, so it must not end the actor.
void AnyReply::refuse_as_too_large(const messages::KindInfo& answer) {
  refuse({base::Code::internal, "the response is larger than a " + std::string(answer.name) + " may be: " +
                                    std::to_string(answer.bytes_max) + " bytes. This is a bug in this program"});
}

void AnyReply::drop() {
  if (shell_ == nullptr) return;
  Shell* shell = std::exchange(shell_, nullptr);
  if (shell->refused(address_)) return;  // Actor::refuse has responded
  if (std::uncaught_exceptions() > 0) return shell->unwound(address_);
  static const base::Error given_up{base::Code::dropped, "the receiver dropped the request without a response"};
  const base::Error& why = shell->dropping() != nullptr ? *shell->dropping() : given_up;
  shell->answer(address_, error_envelope(why, header()));
}

}  // namespace troupe::runtime
