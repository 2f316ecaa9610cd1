// Requests of operators: lists, removals, and streams that other actors serve.
#include "actors/files/files_actor.hpp"
#include "actors/files/get_actor.hpp"
#include "actors/files/verify_actor.hpp"
#include "actors/files/view_actor.hpp"

namespace troupe::files {

using base::Code;
using base::Error;

// -- lists -----------------------------------------------------------------------------------------------------------

struct FilesActor::Listing {
  runtime::Sink<wire::FileRow> sink;
  std::optional<Cid> shown;  // the last file shown
  bool over = false;
};

void FilesActor::list(runtime::Sink<wire::FileRow> sink) {
  std::erase_if(listings_, [](const auto& listing) { return listing->over; });
  if (listings_.size() >= settings_.streams_max) return sink.fail({Code::overloaded, "too many lists in progress"});
  auto listing = std::make_shared<Listing>();
  listings_.push_back(listing);
  listing->sink = std::move(sink);
  listing->sink.on_ready([this, raw = listing.get()] { show(*raw); });
  listing->sink.on_cancel([raw = listing.get()] { raw->over = true; });
  show(*listing);
}

void FilesActor::show(Listing& listing) {
  const auto& entries = catalogue_->entries();
  auto entry = listing.shown ? entries.upper_bound(*listing.shown) : entries.begin();
  for (; entry != entries.end() && listing.sink.ready(); ++entry) {
    listing.shown = entry->first;
    listing.sink.push([&](wire::FileRow::Builder row) {
      files::write(row, entry->second, replicas_live(entry->first));
      if (const auto end = catalogue_->copies_end(entry->first)) row.setCopiesEndAt(base::unix_seconds(*end));
    });
  }
  if (entry != entries.end() || listing.over) return;
  listing.sink.end();
  listing.over = true;
}

std::size_t FilesActor::replicas_live(const Cid& cid) const {
  const auto absent = watch_->absent();
  std::size_t fewest = kReplicasMax;
  for (const auto& [key, holders] : catalogue_->contents(cid)) {
    const auto live = std::count_if(holders.begin(), holders.end(), [&](const base::NodeId& node) {
      return !std::binary_search(absent.begin(), absent.end(), node);
    });
    fewest = std::min(fewest, static_cast<std::size_t>(live));
  }
  return fewest;
}

void FilesActor::remove(wire::RemoveFile::Reader question, runtime::Reply<wire::FileRemoved> reply) {
  const auto cid = read_id<Cid>(question.getCid());
  if (!cid.ok()) return reply.refuse(cid.error());
  if (binding(cid.value()))
    return reply.refuse({Code::conflict, "the file is just being put: retry when the put has ended"});
  if (world().mutations.on("files.removal_before_row")) reply.send([](wire::FileRemoved::Builder) {});
  auto holders = std::make_shared<std::size_t>(0);
  change(
      [this, cid = cid.value(), holders]() -> Planned {
        *holders = catalogue_->claimed_at(cid).size();
        return planned(catalogue_->plan_remove(cid, today()));
      },
      [this, cid = cid.value(), holders, reply = std::move(reply)](base::Outcome<void> done) mutable {
        if (!done.ok()) return reply.refuse(done.error());
        settings_.log.info("a file was removed", {{"cid", cid.hex()}, {"holders", *holders}});
        reply.send([&](wire::FileRemoved::Builder out) { out.setHolders(static_cast<std::uint32_t>(*holders)); });
        after<ReleaseNow>(base::Duration::zero());
      });
}

void FilesActor::pin(wire::PinFile::Reader question, Nothing reply) {
  const auto cid = read_id<Cid>(question.getCid());
  if (!cid.ok()) return reply.refuse(cid.error());
  change(
      [this, cid = cid.value(), pinned = question.getPinned()] { return planned(catalogue_->plan_pin(cid, pinned)); },
      std::move(reply));
}

// -- streams ---------------------------------------------------------------------------------------------------------

ListedPointer FilesActor::listed(capnp::Data::Reader name) const {
  auto out = std::make_shared<Listed>();
  const auto cid = Cid::from(bytes_of(name));
  if (!cid) return out;
  if (const Entry* entry = catalogue_->find(*cid)) {
    out->entry = *entry;
    out->replicas_live = replicas_live(*cid);
    out->holders = catalogue_->contents(*cid);
  }
  const auto& claimed = catalogue_->claimed_at(*cid);
  out->hints.assign(claimed.begin(), claimed.end());
  return out;
}

template <class T, class Q, class Item>
void FilesActor::serve_by(runtime::Handlers& on) {
  on.stream<Q, Item>([this](typename Q::Reader question, runtime::Sink<Item> sink) {
    forget_streams();
    if (!catalogue_) return sink.fail(rows_.refusal());
    if (streams_.size() >= settings_.streams_max) return sink.fail({Code::overloaded, "too many streams in progress"});
    const runtime::Handle worker = spawn_once(
        T::kName, [settings = settings_, pace = reading_pace_, catalogue = self(), listed = listed(question.getCid())] {
          return std::make_unique<T>(settings, pace, catalogue, listed);
        });
    const auto copy = [&](typename Q::Builder out) {
      out.setCid(question.getCid());
      if constexpr (std::is_same_v<Q, wire::GetFile>)
        if (question.getPart().isRange()) out.getPart().setRange(question.getPart().getRange());
    };
    auto relay = std::make_shared<runtime::OutputRelay<Item>>(std::move(sink));
    runtime::OutputRelay<Item>* raw = relay.get();  // the stream ends with the relay, which owns these callbacks
    relay->from(subscribe_raw<Q>(
        worker, kRelayIdle, copy, [raw](const runtime::Envelope& item) { raw->item(item); },
        [raw](base::Result<void, Error> ended) { raw->ended(ended); }));
    streams_.push_back({relay, [raw] { return raw->over(); }});
    ++settings_.counters->streams;
    show_counts();
  });
}

void FilesActor::receive_streams(runtime::Handlers& on) {
  serve_by<GetActor, wire::GetFile, wire::GetItem>(on);
  serve_by<ViewActor, wire::ViewFile, wire::ViewItem>(on);
  serve_by<VerifyActor, wire::VerifyFile, wire::VerifyItem>(on);
}

void FilesActor::forget_streams() {
  std::erase_if(streams_, [](Stream& stream) { return stream.over(); });
}

runtime::Handle FilesActor::spawn_once(const char* kind, runtime::Factory factory) {
  const runtime::Handle worker = spawn(std::string(kind) + "-" + std::to_string(++children_), std::move(factory),
                                       {.kind = kind, .on_failure = runtime::logic::OnFailure::stop});
  watch(worker);
  return worker;
}

}  // namespace troupe::files
