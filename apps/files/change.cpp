// troupe file rm | pin | unpin: one question each.
#include <capnp/message.h>

#include <ostream>

#include "apps/cli/json.hpp"
#include "apps/files/file.hpp"
#include "messages/common.capnp.h"
#include "messages/files.capnp.h"
#include "messages/output/files.capnp.h"

namespace troupe::apps {
namespace {

namespace wire = files::wire;

Ending set_pin(const Invocation& invocation, Console& console, bool pinned) {
  const auto cid = cid_of(invocation);
  if (!cid.ok()) return cid.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto answer = client.value()->ask<wire::PinFile, messages::wire::Nothing>(files::kPath, kFileAnswer,
                                                                                  [&](wire::PinFile::Builder question) {
                                                                                    question.setCid(data(cid.value()));
                                                                                    question.setPinned(pinned);
                                                                                  });
  if (!answer.ok()) return answer.error();
  if (!invocation.globals.json) return Exit::done;
  capnp::MallocMessageBuilder message;
  auto out = message.initRoot<output::wire::FilePin>();
  out.setCid(data(cid.value()));
  out.setPinned(pinned);
  write_json_line(console.out, out.asReader());
  return Exit::done;
}

}  // namespace

Ending file_remove(const Invocation& invocation, Console& console) {
  const auto cid = cid_of(invocation);
  if (!cid.ok()) return cid.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = client.value()->ask<wire::RemoveFile, wire::FileRemoved>(
      files::kPath, kFileAnswer, [&](wire::RemoveFile::Builder question) { question.setCid(data(cid.value())); });
  if (!answer.ok()) return answer.error();
  if (!invocation.globals.json) return Exit::done;
  capnp::MallocMessageBuilder message;
  auto out = message.initRoot<output::wire::FileRemoved>();
  out.setCid(data(cid.value()));
  out.setHolders(answer.value().root().getHolders());
  write_json_line(console.out, out.asReader());
  return Exit::done;
}

Ending file_pin(const Invocation& invocation, Console& console) { return set_pin(invocation, console, true); }

Ending file_unpin(const Invocation& invocation, Console& console) { return set_pin(invocation, console, false); }

}  // namespace troupe::apps
