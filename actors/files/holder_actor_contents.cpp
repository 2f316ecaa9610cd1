// A storage node's requests apart from claims: reading objects, checking for them, and listing all of them.
#include "actors/files/holder_actor.hpp"

namespace troupe::files {

using base::Code;

namespace {

/// Returns the cost of such a read, whether or not its caller waits for it.
std::uint32_t kib_of(std::uint32_t bytes) { return bytes / 1'024 + 1; }

/// Returns the memory slots: the parts of an object in two blobs are joined.
std::uint32_t places_of(std::uint32_t bytes) { return bytes > kBlobBytesMax ? 2 : 1; }

constexpr std::chrono::milliseconds kLookWaitMax{1'000};

}  // namespace

struct HolderActor::Read {
  ContentKey key;
  std::shared_ptr<ReadPlace> place;
  bool own = false;   // the node that forwards it then keeps the response for as long as its reader likes
  base::Bytes first;  // of two parts
  runtime::Reply<wire::Fetched> reply;
};

void HolderActor::take_fetch(wire::FetchContent::Reader question, runtime::Reply<wire::Fetched> reply) {
  const auto key = read_content(question.getContent());
  if (!key.ok()) return reply.refuse(key.error());
  if (!claims_->has(key.value())) return reply.refuse({Code::not_found, "this node does not store that object"});
  const base::User<base::NodeId> asker{owner(), group(), caller().role == messages::Role::inside};
  constexpr std::chrono::milliseconds kPlaceWithin{200}, kWaitMax{1'000};
  const std::uint32_t bytes = claims_->bytes_of(key.value());
  auto place = ReadPlace::take(reads_, asker, places_of(bytes));
  std::optional<base::Duration> wait;
  if (!place) wait = kPlaceWithin;
  else if (!asker.reserved) wait = read_rate_.take(asker, now(), kib_of(bytes));
  if (wait) {
    reads_full_.refused(node(), asker.group, now());
    return reply.refuse({Code::overloaded, "too many reads for other nodes: retry later",
                         std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(*wait, kWaitMax))});
  }
  read(std::make_shared<Read>(Read{key.value(), std::move(place), asker.reserved, {}, std::move(reply)}));
}

void HolderActor::read(std::shared_ptr<Read> read) {
  const std::uint8_t part = read->first.empty() ? 0 : 1;
  ask<store::wire::Read, store::wire::Blobbed>(
      store_handle(), now() + kReadTimeout,
      [&](store::wire::Read::Builder question) { question.setId(data_of(blob_id(read->key, part).view())); },
      [this, read, part](runtime::Answer<store::wire::Blobbed> answer) {
        if (!answer.ok()) {
          const bool gone = answer.error().code == Code::not_found || answer.error().code == Code::corrupt;
          if (gone && claims_->has(read->key)) {
            if (damaged_.insert(read->key).second)
              settings_.log.error("an object stored here is corrupted; its owner restores it",
                                  {{"content", read->key.id.hex()}, {"why", answer.error().message}});
            show_counts();
            read->reply.refuse({Code::corrupt, "this node's copy of that object is corrupted"});
          }
          return read->reply.refuse(answer.error());
        }
        const base::ByteView bytes = bytes_of(answer.value().getBytes());
        if (part == 0 && blob_parts(read->key) == 2 && bytes.size() == kBlobBytesMax) {
          read->first.assign(bytes.begin(), bytes.end());
          return this->read(read);
        }
        base::ByteView whole = bytes;
        if (part == 1) {
          read->first.insert(read->first.end(), bytes.begin(), bytes.end());
          whole = read->first;
        }
        ++settings_.counters->fetched;
        settings_.counters->fetched_bytes += whole.size();
        read->reply.send([&](wire::Fetched::Builder out) { out.adoptBytes(borrow(out, whole)); },
                         read->own ? nullptr : read->place);
      });
}

void HolderActor::take_has(wire::HasContents::Reader question, runtime::Reply<wire::Has> reply) {
  const auto list = question.getContents();
  if (list.size() == 0 || list.size() > kContentsAskedMax)
    return reply.refuse({Code::malformed, "invalid request: 1 to 1,024 objects can be checked at once"});
  const base::User<base::NodeId> asker{owner(), group(), caller().role == messages::Role::inside};
  const auto wait = asker.reserved ? std::nullopt : look_rate_.take(asker, now(), list.size());
  if (wait) {
    reads_full_.refused(node(), asker.group, now());
    return reply.refuse({Code::overloaded, "too many objects are being checked: retry later",
                         std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(*wait, kLookWaitMax))});
  }
  std::optional<Claim> claim;
  if (question.getClaimedFor().size() > 0) {
    const auto cid = read_id<Cid>(question.getClaimedFor());
    if (!cid.ok()) return reply.refuse(cid.error());
    claim = Claim::file(owner(), cid.value());
  }
  std::vector<bool> present;
  for (const auto content : list) {
    const auto key = read_content(content);
    if (!key.ok()) return reply.refuse(key.error());
    const bool held = claim ? claims_->has(key.value(), *claim) : claims_->has(key.value());
    present.push_back(held && !damaged_.contains(key.value()));
  }
  reply.send([&](wire::Has::Builder out) {
    auto has = out.initPresent(size32(present));
    for (unsigned i = 0; i < present.size(); ++i) has.set(i, present[i]);
    out.setKeptDays(static_cast<std::uint16_t>(settings_.claims.kept_days));
  });
}

void HolderActor::take_list(wire::ListHeld::Reader question, runtime::Reply<wire::HeldContents> reply) {
  std::optional<ContentKey> behind;
  if (question.hasBehind()) {
    const auto key = read_content(question.getBehind());
    if (!key.ok()) return reply.refuse(key.error());
    behind = key.value();
  }
  const auto contents = claims_->list(behind, kContentsListed);
  reply.send([&](wire::HeldContents::Builder out) {
    auto list = out.initContents(size32(contents));
    for (unsigned i = 0; i < list.size(); ++i) write(list[i], contents[i]);
    out.setMore(contents.size() == kContentsListed);
    auto owners = out.initOwners(size32(contents));
    for (unsigned i = 0; i < owners.size(); ++i) {
      const base::NodeId owner = claims_->owner_of(contents[i]);
      const bool own = owner == settings_.self;
      write_owner(owners[i], owner, own ? base::AddressGroup{} : claims_->owners().group(owner));
    }
  });
}

}  // namespace troupe::files
