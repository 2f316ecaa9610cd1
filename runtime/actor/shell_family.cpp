// Children: starting, supervising and ending them; and watching the end of other actors.
#include <algorithm>

#include "messages/runtime.capnp.h"
#include "runtime/actor/shell.hpp"

namespace troupe::runtime {
namespace {

template <class Order>
Envelope order() {
  return Envelope::build<Order>({}, [](typename Order::Builder) {});
}

}  // namespace

Shell::Family& Shell::family() {
  if (!family_) family_ = std::make_unique<Family>(setup_.options.children);
  return *family_;
}

Handle Shell::spawn_child(std::string name, Factory factory, SpawnOptions options) {
  base::ensure(valid_path_part(name), "the name of a child may be a part of a path");
  Family& all = family();
  const bool taken = std::any_of(all.children.begin(), all.children.end(),
                                 [&](const auto& child) { return child.second.name == name; });
  base::ensure(!taken, "no living child has that name");
  const logic::ChildId number = ++last_child_;
  base::ensure(all.supervision.child_added(number, options.on_failure).ok(), "a parent has space for one more child");
  // Children of the root are its siblings in paths, so that no path begins with its name: "/files", not "/node/files".
  const std::string above = setup_.parent ? setup_.path : std::string();
  Setup setup{setup_.node, above + "/" + name, std::move(factory), options, self(), number};
  base::ensure(setup.path.size() <= kPathBytesMax, "a path has at most 255 bytes");
  const bool own_thread = options.placement == ports::Placement::own_thread && setup_.node->world().threads.real();
  Handle child = own_thread ? spawn<Shell, caf::detached>(std::move(setup)) : spawn<Shell>(std::move(setup));
  all.children.emplace(number, Family::Child{std::move(name), child});
  return child;
}

void Shell::stop_child(const Handle& child) { send(child, order<wire::Stop>()); }

void Shell::give_up(logic::ChildId child) {
  const auto found = family_->children.find(child);
  if (found == family_->children.end()) return;
  send(found->second.handle, Envelope::build<wire::Stop>({}, [](wire::Stop::Builder out) { out.setGivenUp(true); }));
}

void Shell::child_ended(logic::ChildId child) {
  if (!family_) return;
  family_->supervision.child_ended(child);
  family_->children.erase(child);
}

void Shell::child_failed(logic::ChildId child, const base::Error& error) {
  if (!family_) return;
  const auto decision = family_->supervision.child_failed(child, now(), random());
  if (!decision) return;
  if (const auto* restart = std::get_if<logic::Restart>(&*decision)) {
    for (auto sibling = restart->children.rbegin(); sibling != restart->children.rend(); ++sibling)
      if (const auto found = family_->children.find(*sibling); found != family_->children.end())
        send(found->second.handle, order<wire::Suspend>());
    const std::uint64_t revival = kRevivalBit | ++asked_;
    family_->revivals.emplace(revival & ~kRevivalBit, Revival{restart->children});
    deadlines_.add(revival, now() + restart->after);
  } else if (std::holds_alternative<logic::Stop>(*decision)) {
    give_up(child);
  } else {
    give_up(child);
    fail({base::Code::internal, "a child keeps failing: " + error.message});
  }
}

void Shell::revive_children(std::uint64_t revival) {
  if (!family_) return;
  const auto found = family_->revivals.find(revival);
  if (found == family_->revivals.end()) return;
  const Revival due = std::move(found->second);
  family_->revivals.erase(found);
  for (const logic::ChildId child : due.children)
    if (const auto one = family_->children.find(child); one != family_->children.end())
      send(one->second.handle, order<wire::Revive>());
}

/// Stops the children, youngest first; the next incarnation starts new ones.
void Shell::stop_children() {
  if (!family_) return;
  const std::unique_ptr<Family> last = std::move(family_);
  for (auto child = last->children.rbegin(); child != last->children.rend(); ++child) stop_child(child->second.handle);
}

/// After an order to end: the children end first, one after the other, youngest first, so that their last messages are
/// received. Until then this actor handles nothing.
bool Shell::awaits_children() {
  if (!family_ || family_->children.empty()) return false;
  if (object_) {
    std::unique_ptr<Family> last = std::move(family_);
    drop_object({base::Code::unavailable, "the actor has ended"});
    family_ = std::move(last);
  }
  const auto youngest = family_->children.rbegin();
  if (std::exchange(stopping_, youngest->first) != youngest->first) stop_child(youngest->second.handle);
  return true;
}

// -- watching other actors --

void Shell::watch(const Handle& whom) {
  if (!whom) return;
  watched_.push_back(whom);
  setup_.node->watchers().add(watched_.back().id(), id());
  observe(caf::actor_cast<caf::actor_control_block*>(whom));
}

void Shell::unwatch(const Handle& whom) {
  const auto watched = std::find(watched_.begin(), watched_.end(), whom);
  if (watched == watched_.end()) return;
  setup_.node->watchers().remove(watched->id(), id());
  watched_.erase(watched);
  stop_observing(caf::actor_cast<caf::actor_control_block*>(whom));
}

/// CAF's demonitor removes all monitors of a pair at once, so there is only one, with a count.
void Shell::observe(caf::actor_control_block* whom) {
  if (whom != nullptr && observed_[whom]++ == 0) monitor(whom->get(), caf::message_priority::normal);
}

void Shell::stop_observing(caf::actor_control_block* whom) {
  const auto seen = observed_.find(whom);
  if (seen == observed_.end() || --seen->second > 0) return;
  observed_.erase(seen);
  demonitor(caf::actor_addr(whom, true));
}

}  // namespace troupe::runtime
