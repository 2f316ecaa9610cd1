#include "actors/files/holder_actor.hpp"

#include "actors/files/logic/contents.hpp"
#include "messages/runtime.capnp.h"
#include "runtime/base/ensure.hpp"
#include "runtime/observe/describe_counters.hpp"

namespace troupe::files {
namespace {

using base::Code;
using base::Error;
using messages::Role;

}  // namespace

void HolderActor::receive(runtime::Handlers& on) {
  serve<wire::StoreContent>(on, &HolderActor::take_store);
  serve<wire::BindClaim>(on, &HolderActor::take_bind);
  serve<wire::ReleaseClaim>(on, &HolderActor::take_release);
  serve<wire::FetchContent>(on, &HolderActor::take_fetch);
  serve<wire::HasContents>(on, &HolderActor::take_has);
  serve<wire::MendContent>(on, &HolderActor::take_mend);
  serve<wire::ListHeld>(on, &HolderActor::take_list);
  serve<wire::ListOwners>(on, &HolderActor::take_owners);
  serve<wire::ReleaseOwner>(on, &HolderActor::take_release_owner);
  on.ask<runtime::wire::AwaitReady, messages::wire::Nothing>(
      [this](auto, auto reply) { rows_.when_settled([reply = std::move(reply)]() mutable { reply.done(); }); });
  rows_.receive<RowsAgain>(on);
  on.timer<KeepHouse>([this] { keep_house(); });
  on.describe<wire::HolderState>([this](wire::HolderState::Builder state) { describe(state); });
}

void HolderActor::start() {
  node()
      .publish<wire::StoreContent, wire::BindClaim, wire::ReleaseClaim, wire::FetchContent, wire::HasContents,
               wire::ListOwners, wire::ReleaseOwner>(kHolderPath, self());
  load();
}

// -- rows ------------------------------------------------------------------------------------------------------------

store::Rows::Setup HolderActor::rows_setup(const FilesSettings& settings, std::string store) {
  return {.store = std::move(store),
          .keyspace = kKeyspace,
          .what = "the table of claims",
          .source = "files.holder",
          .health = settings.health,
          .doubt = store::Doubt::ends_owner,
          .leave = settings.left_to_self,
          .leave_kept = settings.left_to_self_by_claims,
          .prefix = {'c'}};  // rows.hpp: claims
}

/// A row that belongs to no claim is kept, because a later version of this program may have written it.
void HolderActor::load() {
  ClaimsLimits limits = settings_.claims;
  limits.self = settings_.self;
  loading_ = std::make_unique<Claims>(limits, world().mutations);
  rows_.load(
      [this](base::ByteView key, base::ByteView value) {
        if (!loading_->load({{key.begin(), key.end()}, {value.begin(), value.end()}}, now()).ok())
          world().mutations.sometimes("files: a row of a claim was broken");
        return store::Use::keep;
      },
      [this](const base::Outcome<void>& read) {
        if (!read.ok()) return;
        claims_ = std::move(loading_);
        show_counts();
        claims_->owners().begin_day(day_of(wall()));
        look_at_room();
        after<KeepHouse>(kIdleCheck);
      });
}

/// Tells other nodes that this node is unavailable, whatever the reason: `corrupt` would refer to their object.
Error HolderActor::closed() const {
  Error why = rows_.refusal();
  why.code = Code::unavailable;
  return why;
}

void HolderActor::commit(ClaimPlan planned, const ContentKey& key, base::ByteView bytes, Done done,
                         store::Whose whose) {
  ++commits_;
  const auto plan = std::make_shared<const ClaimPlan>(std::move(planned));
  rows_.save(
      std::shared_ptr<const Change>(plan, &plan->change),
      [this, plan, done = std::move(done)](const base::Outcome<void>& saved) mutable {
        --commits_;
        if (saved.ok()) {
          claims_->apply(*plan);
          for (const ContentKey& dropped : plan->drop) {
            damaged_.erase(dropped);
            announce_gone(dropped);
          }
        } else {
          claims_->abandon(*plan);
        }
        show_counts();
        done(saved);
        wake(plan->busy);
      },
      [&](store::wire::Commit::Builder out) {
        const std::size_t parts = (bytes.size() + kBlobBytesMax - 1) / kBlobBytesMax;
        auto keep = out.initKeep(static_cast<unsigned>(parts));
        for (unsigned i = 0; i < parts; ++i) {
          keep[i].setId(data_of(blob_id(key, static_cast<std::uint8_t>(i)).view()));
          keep[i].adoptBytes(
              borrow(out, bytes.subspan(i * kBlobBytesMax, std::min(kBlobBytesMax, bytes.size() - i * kBlobBytesMax))));
        }
        std::vector<base::Digest> ids;
        for (const ContentKey& dropped : plan->drop) {
          for (std::size_t i = 0; i < blob_parts(dropped); ++i)
            ids.push_back(blob_id(dropped, static_cast<std::uint8_t>(i)));
        }
        auto drop = out.initDrop(size32(ids));
        for (unsigned i = 0; i < ids.size(); ++i) drop.set(i, data_of(ids[i].view()));
      },
      whose);
}

void HolderActor::wake(const std::vector<ContentKey>& unlocked) {
  auto waiting = std::exchange(waiting_, {});
  for (const ContentKey& key : unlocked) {
    auto stores = stores_waiting_.extract(key);
    if (stores.empty()) continue;
    std::ranges::move(stores.mapped(), std::back_inserter(waiting));
  }
  for (auto& again : waiting) again();
}

// -- claims ----------------------------------------------------------------------------------------------------------

/// Checks for free space before anything is hashed.
void HolderActor::take_store(wire::StoreContent::Reader question, Stored reply) {
  const auto claim = read_claim(question.getClaim(), owner());
  if (!claim.ok()) return reply.refuse(claim.error());
  const auto key = read_content(question.getContent());
  if (!key.ok()) return reply.refuse(key.error());
  const base::ByteView bytes = bytes_of(question.getBytes());
  const bool inside = caller().role == Role::inside;
  Storing storing{claim.value(), key.value(), group(), {}};
  storing.ticket = StoreTicket::take(shares_, {owner(), storing.group, inside}, bytes.size());
  if (!storing.ticket) {
    ++settings_.counters->store_refused;
    stores_full_.refused(node(), storing.group, now());
    return reply.refuse({Code::overloaded, "too many stores in progress: retry later", std::chrono::milliseconds(200)});
  }
  if (!bytes.empty()) {
    const bool hashed = inside && length_fits(key.value(), bytes.size());
    if (!hashed && !verify_content(key.value(), bytes, world().mutations)) {
      ++settings_.counters->bad_digests;
      settings_.log.warn("a node sent an object whose bytes do not match its id", {{"node", owner().hex()}});
      accuse(owner());
      return reply.refuse({Code::corrupt, "the bytes do not match their id"});
    }
  }
  store(storing, bytes, nullptr, std::move(reply));
}

void HolderActor::store(const Storing& storing, base::ByteView bytes, std::shared_ptr<const base::Bytes> kept,
                        Stored reply) {
  const auto& [claim, key, from, ticket] = storing;
  const bool repairs = !bytes.empty() && damaged_.contains(key);
  const bool lost = bytes.empty() && damaged_.contains(key);
  if (lost) return reply.refuse(to_error(ClaimError::absent));
  const auto payload = bytes.empty() ? Payload::none : Payload::given;
  auto plan = claims_->plan_claim(claim, key, static_cast<std::uint32_t>(bytes.size()), payload, now(), from);
  if (!plan.ok() && plan.error() == ClaimError::busy && may_wait()) {
    world().mutations.sometimes("files: a store waited for another of the same content");
    // Copied once, however often it waits.
    if (!kept) kept = std::make_shared<const base::Bytes>(bytes.begin(), bytes.end());
    return stores_waiting_[key].push_back(
        [this, storing, kept, reply = std::move(reply)]() mutable { store(storing, *kept, kept, std::move(reply)); });
  }
  if (!plan.ok()) {
    ++settings_.counters->store_refused;
    const Error why = to_error(plan.error());
    if (plan.error() == ClaimError::space) {
      space_full_.refused(node(), from, now());
      // A device that was full at the last check may have free space again.
      const bool less = claims_->owners().space() < settings_.claims.space_bytes;
      if (less && now() >= room_looked_at_ + kRoomAgain) look_at_room();
    }
    if (plan.error() == ClaimError::full) claims_full_.refused(node(), from, now());
    if (why.code == Code::no_space)
      settings_.log.warn("an object is refused", {{"owner", claim.owner.hex()}, {"why", why.message}});
    return reply.refuse(why);
  }
  const bool fresh = !plan.value().store.empty();
  if (plan.value().change.empty()) {
    if (!repairs) return reply.done();
    return keep(key, bytes, answer_with(std::move(reply)));
  }
  if (world().mutations.on("files.stored_before_commit")) reply.done();
  commit(
      std::move(plan).value(), key, fresh || repairs ? bytes : base::ByteView{},
      [this, storing, fresh, reply = std::move(reply)](base::Outcome<void> done) mutable {
        if (!done.ok()) {
          ++settings_.counters->store_refused;
          return reply.refuse(done.error());
        }
        damaged_.erase(storing.key);
        ++settings_.counters->stored;
        announce(storing.key, storing.claim.owner, storing.group);
        reply.send([&](wire::Stored::Builder out) { out.setFresh(fresh); });
      },
      claim.owner == settings_.self ? store::Whose::own : store::Whose::strangers);
}

/// Ending a put or a claim takes as many commits as its objects need. Ends have their own slots, so that stores cannot
/// delay the end of a put.
HolderActor::Ticket HolderActor::end_ticket() {
  return StoreTicket::take(ends_, {owner(), group(), caller().role == Role::inside}, 0);
}

Error HolderActor::too_many_ends() {
  ends_full_.refused(node(), group(), now());
  return {Code::overloaded, "too many claims are being bound or released: retry later", std::chrono::milliseconds(200)};
}

void HolderActor::take_bind(wire::BindClaim::Reader question, Bound reply) {
  const auto put = read_id<PutId>(question.getPut());
  if (!put.ok()) return reply.refuse(put.error());
  const auto cid = read_id<Cid>(question.getCid());
  if (!cid.ok()) return reply.refuse(cid.error());
  const auto ticket = end_ticket();
  if (!ticket) return reply.refuse(too_many_ends());
  bind(owner(), put.value(), cid.value(), ticket, std::move(reply));
}

void HolderActor::bind(const base::NodeId& owner, const PutId& put, const Cid& cid, const Ticket& ticket, Bound reply) {
  auto plan = claims_->plan_bind(owner, put, cid, now());
  if (!plan.busy.empty()) {
    return commit(
        std::move(plan), {}, {},
        [this, owner, put, cid, ticket, reply = std::move(reply)](base::Outcome<void> done) mutable {
          if (!done.ok()) return reply.refuse(done.error());
          bind(owner, put, cid, ticket, std::move(reply));
        },
        owner == settings_.self ? store::Whose::own : store::Whose::strangers_kept);
  }
  if (plan.more && !may_wait()) return reply.refuse(to_error(ClaimError::busy));
  if (plan.more)
    return waiting_.push_back([this, owner, put, cid, ticket, reply = std::move(reply)]() mutable {
      bind(owner, put, cid, ticket, std::move(reply));
    });
  const std::size_t contents = claims_->contents(Claim::file(owner, cid));
  if (contents == 0) return reply.refuse({Code::not_found, "there are no claims for that put or file here"});
  reply.send([&](wire::Bound::Builder out) { out.setContents(static_cast<std::uint32_t>(contents)); });
}

void HolderActor::take_release(wire::ReleaseClaim::Reader question, Released reply) {
  const auto claim = read_claim(question.getClaim(), owner());
  if (!claim.ok()) return reply.refuse(claim.error());
  const auto ticket = end_ticket();
  if (!ticket) return reply.refuse(too_many_ends());
  release(claim.value(), 0, ticket, std::move(reply));
}

void HolderActor::release(const Claim& claim, std::uint32_t ended, const Ticket& ticket, Released reply) {
  auto plan = claims_->plan_release(claim);
  if (!plan.busy.empty()) {
    const std::uint32_t more = ended + size32(plan.busy);
    return commit(std::move(plan), {}, {},
                  [this, claim, more, ticket, reply = std::move(reply)](base::Outcome<void> done) mutable {
                    if (!done.ok()) return reply.refuse(done.error());
                    release(claim, more, ticket, std::move(reply));
                  });
  }
  if (plan.more && !may_wait()) return reply.refuse(to_error(ClaimError::busy));
  if (plan.more)
    return waiting_.push_back([this, claim, ended, ticket, reply = std::move(reply)]() mutable {
      release(claim, ended, ticket, std::move(reply));
    });
  reply.send([&](wire::Released::Builder out) { out.setContents(ended); });
}

// -- owners ----------------------------------------------------------------------------------------------------------

/// Ends idle puts and owners, and writes down which owners made contact.
void HolderActor::keep_house() {
  claims_->owners().begin_day(day_of(wall()));
  if (now() >= room_at_) look_at_room();
  for (const Claim& claim : claims_->idle_puts(now(), kIdlePutsMax)) {
    world().mutations.sometimes("files: an idle put was released");
    release(claim, 0, nullptr, {});
  }
  if (owners_ending_.empty()) last_ending_.reset();
  end_owners();
  ClaimPlan rows;
  rows.change = claims_->owners().plan_rows(kSliceMax);
  if (!rows.change.empty()) commit(std::move(rows), {}, {}, [](const base::Outcome<void>&) {});
  after<KeepHouse>(kIdleCheck);
}

/// A store that does not know is asked again at the next housekeeping.
void HolderActor::look_at_room() {
  room_looked_at_ = now();
  ask<store::wire::Usage, store::wire::Used>(
      store_handle(), now() + store::kReadDue, [](store::wire::Usage::Builder) {},
      [this](runtime::Answer<store::wire::Used> answer) {
        if (!answer.ok() || answer.value().getFreeBytes() == 0) return;
        const std::uint64_t free = answer.value().getFreeBytes();
        claims_->owners().fit_space(free - std::min(free, settings_.left_to_self));
        room_at_ = now() + kRoomPeriod;
        show_counts();
      });
}

/// Each owner is tried once per round, so that a failure does not delay other owners.
void HolderActor::end_owners() {
  if (std::exchange(in_end_owners_, true)) return;  // an owner was ended at once
  while (owners_ending_.size() < kOwnersEnded) {
    const auto owner = claims_->owners().next_ending(last_ending_);
    if (!owner) break;
    last_ending_ = owner;
    owners_ending_.insert(*owner);
    settings_.log.info("an owner's stored data is removed: no contact for files.kept_days, or released by the operator",
                       {{"owner", owner->hex()}});
    world().mutations.sometimes("files: the claims of a silent owner ended");
    end_owner(*owner, 0, [this, owner = *owner](const base::Outcome<std::uint64_t>&) {
      owners_ending_.erase(owner);
      end_owners();
    });
  }
  in_end_owners_ = false;
}

/// An owner that makes contact during this keeps the rest.
void HolderActor::end_owner(const base::NodeId& owner, std::uint64_t ended, Ended done) {
  if (!claims_->owners().ending(owner)) return done(ended);
  auto plan = claims_->plan_end(owner);
  if (!plan.busy.empty()) {
    const std::uint64_t more = ended + plan.change.erase.size();
    return commit(std::move(plan), {}, {},
                  [this, owner, more, done = std::move(done)](const base::Outcome<void>& saved) mutable {
                    if (!saved.ok()) return done(saved.error());
                    end_owner(owner, more, std::move(done));
                  });
  }
  if (!plan.more) return done(ended);
  if (!may_wait()) return done(to_error(ClaimError::busy));
  waiting_.push_back(
      [this, owner, ended, done = std::move(done)]() mutable { end_owner(owner, ended, std::move(done)); });
}

/// The release is written with the first removal. The next check continues what a crash interrupts.
void HolderActor::take_release_owner(wire::ReleaseOwner::Reader question, runtime::Reply<wire::OwnerReleased> reply) {
  const auto owner = read_id<base::NodeId>(question.getOwner());
  if (!owner.ok()) return reply.refuse(owner.error());
  if (owner.value() == settings_.self)
    return reply.refuse({Code::refused, "files that this node put itself are removed by 'troupe file rm CID'"});
  auto released = claims_->owners().plan_release(owner.value());
  if (!released) return reply.refuse({Code::not_found, "this node stores nothing for that owner"});
  settings_.log.info("an operator releases an owner", {{"owner", owner.value().hex()}});
  // In one commit with the first removal, because a full device accepts deletions.
  ClaimPlan row = claims_->plan_end(owner.value());
  row.more = false;
  row.change.save = std::move(released->save);
  const std::uint64_t first = row.change.erase.size();
  commit(std::move(row), {}, {},
         [this, owner = owner.value(), first, reply = std::move(reply)](const base::Outcome<void>& saved) mutable {
           if (!saved.ok()) return reply.refuse(saved.error());
           end_owner(owner, first, [reply = std::move(reply)](const base::Outcome<std::uint64_t>& ended) mutable {
             if (!ended.ok()) return reply.refuse(ended.error());
             reply.send([&](wire::OwnerReleased::Builder out) { out.setClaims(ended.value()); });
           });
         });
}

void HolderActor::take_owners(wire::ListOwners::Reader question, runtime::Reply<wire::HeldOwners> reply) {
  std::optional<base::NodeId> behind;
  if (question.getBehind().size() > 0) {
    const auto id = read_id<base::NodeId>(question.getBehind());
    if (!id.ok()) return reply.refuse(id.error());
    behind = id.value();
  }
  const auto owners = claims_->owners().list(behind, kOwnersListed);
  reply.send([&](wire::HeldOwners::Builder out) {
    auto list = out.initOwners(size32(owners));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setOwner(data_of(owners[i].owner.view()));
      list[i].setContents(owners[i].contents);
      list[i].setBytes(owners[i].bytes);
      list[i].setClaims(owners[i].claims);
      list[i].setLastSeen(std::int64_t{owners[i].heard_day} * 24 * 3600);
    }
    out.setMore(owners.size() == kOwnersListed);
  });
}

void HolderActor::take_mend(wire::MendContent::Reader question, runtime::Reply<messages::wire::Nothing> reply) {
  const auto key = read_content(question.getContent());
  if (!key.ok()) return reply.refuse(key.error());
  const base::ByteView bytes = bytes_of(question.getBytes());
  if (!claims_->has(key.value()) || !length_fits(key.value(), bytes.size()))
    return reply.refuse(to_error(ClaimError::absent));
  // The store keeps what it believes to have. Data that it can read and that is wrong must be removed first.
  ClaimPlan drop;
  drop.drop.push_back(key.value());
  commit(std::move(drop), {}, {},
         [this, key = key.value(), copy = base::Bytes(bytes.begin(), bytes.end()),
          reply = std::move(reply)](base::Outcome<void> dropped) mutable {
           if (!dropped.ok()) return reply.refuse(dropped.error());
           if (!claims_->has(key)) return reply.refuse(to_error(ClaimError::absent));
           damaged_.insert(key);
           keep(key, copy, answer_with(std::move(reply)));
         });
}

void HolderActor::keep(const ContentKey& key, base::ByteView bytes, Done done) {
  commit({}, key, bytes, [this, key, done = std::move(done)](base::Outcome<void> kept) mutable {
    if (kept.ok()) damaged_.erase(key);
    if (kept.ok() && !claims_->has(key)) {
      ClaimPlan drop;
      drop.drop.push_back(key);
      commit(std::move(drop), {}, {}, [](base::Outcome<void>) {});
    }
    done(std::move(kept));
  });
}

void HolderActor::check() const {
  base::ensure(claims_ ? !loading_ : commits_ + reads_->used() + damaged_.size() == 0,
               "a holder serves once it has read its rows");
  base::ensure((waiting_.empty() && stores_waiting_.empty()) || commits_ > 0,
               "requests at a holder wait for a commit in progress");
  base::ensure(reads_->used() <= settings_.reads_max, "few reads are in progress");
  if (!claims_) return;
  claims_->check(commits_);
  if (damaged_.size() > kDamagedChecked) return;
  for (const ContentKey& key : damaged_) base::ensure(claims_->has(key), "objects noted as damaged are claimed");
}

/// For describe(), and for metrics, which another thread reads.
void HolderActor::show_counts() {
  Counters& counts = *settings_.counters;
  counts.damaged = damaged_.size();
  if (!claims_) return;
  counts.held_contents = claims_->contents();
  counts.held_bytes = claims_->bytes();
  counts.claims = claims_->claims();
  counts.space = claims_->owners().space();
}

void HolderActor::describe(wire::HolderState::Builder state) {
  show_counts();
  observe::describe(holder_table(*settings_.counters), state);
  state.setLoading(!claims_);
  state.setCommitsUnderWay(static_cast<std::uint32_t>(commits_));
  state.setReadsUnderWay(static_cast<std::uint32_t>(reads_->used()));
  if (claims_) state.setPutsClaimed(static_cast<std::uint32_t>(claims_->puts()));
}

}  // namespace troupe::files
