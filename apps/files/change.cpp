// troupe file rm | pin | unpin: one question each.
#include "apps/files/file.hpp"
#include "apps/files/group.hpp"
#include "messages/common.capnp.h"

namespace troupe::apps {
namespace {

namespace wire = files::wire;

Ending set_pin(const Invocation& invocation, Console& console, bool pinned) {
  const auto cid = cid_of(invocation);
  if (!cid.ok()) return cid.error();
  const auto fill = [&](auto out) {
    out.setCid(data(cid.value().view()));
    out.setPinned(pinned);
  };
  if (invocation.has("--group")) {
    auto way = kv_command::way_of(invocation, console);
    if (!way.ok()) return way.error();
    const auto changed = file_group::pin(way.value(), cid.value(), pinned);
    if (!changed.ok()) return changed.error();
    JsonLine<output::wire::FilePin> line;
    fill(*line);
    if (invocation.globals.json) line.print(console.out);
    return Exit::done;
  }
  return ask_and_print<wire::PinFile, messages::wire::Nothing>(
      invocation, console, files::kPath, kFileAnswer, fill,
      [&](auto) {
        JsonLine<output::wire::FilePin> line;
        fill(*line);
        line.print(console.out);
      },
      [](auto) {});
}

/// From the catalogue, and the claim of this node if it put the file; the members end theirs.
Ending remove_from_group(const Invocation& invocation, Console& console, const files::Cid& cid) {
  auto way = kv_command::way_of(invocation, console);
  if (!way.ok()) return way.error();
  const auto removed = file_group::remove(way.value(), cid);
  if (!removed.ok()) return removed.error();
  auto own = way.value().client->ask<wire::RemoveFile, wire::FileRemoved>(
      files::kPath, kFileAnswer, [&](wire::RemoveFile::Builder question) { question.setCid(data(cid.view())); });
  if (!own.ok() && own.error().error.code != base::Code::not_found) return own.error();
  if (!own.ok() && !removed.value()) return file_group::unknown(way.value());
  if (!invocation.globals.json) return Exit::done;
  JsonLine<output::wire::FileRemoved> line;
  line->setCid(data(cid.view()));
  if (own.ok()) line->setHolders(own.value().root().getHolders());
  line.print(console.out);
  return Exit::done;
}

}  // namespace

Ending file_remove(const Invocation& invocation, Console& console) {
  const auto cid = cid_of(invocation);
  if (!cid.ok()) return cid.error();
  if (invocation.has("--group")) return remove_from_group(invocation, console, cid.value());
  return ask_and_print<wire::RemoveFile, wire::FileRemoved>(
      invocation, console, files::kPath, kFileAnswer,
      [&](wire::RemoveFile::Builder question) { question.setCid(data(cid.value().view())); },
      [&](wire::FileRemoved::Reader removed) {
        JsonLine<output::wire::FileRemoved> line;
        line->setCid(data(cid.value().view()));
        line->setHolders(removed.getHolders());
        line.print(console.out);
      },
      [](auto) {});
}

Ending file_pin(const Invocation& invocation, Console& console) { return set_pin(invocation, console, true); }

Ending file_unpin(const Invocation& invocation, Console& console) { return set_pin(invocation, console, false); }

}  // namespace troupe::apps
