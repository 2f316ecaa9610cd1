// troupe file rm | pin | unpin: one question each.
#include "apps/files/file.hpp"
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
  return ask_and_print<wire::PinFile, messages::wire::Nothing>(
      invocation, console, files::kPath, kFileAnswer, fill,
      [&](auto) {
        JsonLine<output::wire::FilePin> line;
        fill(*line);
        line.print(console.out);
      },
      [](auto) {});
}

}  // namespace

Ending file_remove(const Invocation& invocation, Console& console) {
  const auto cid = cid_of(invocation);
  if (!cid.ok()) return cid.error();
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
