// troupe file …: the table of its commands.
#include "apps/files/file.hpp"

#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

constexpr std::size_t kShownBytesMax = 80;

Positional cid() { return {.name = "CID", .help = "the content id that `file put` printed: 64 hexadecimal digits"}; }

}  // namespace

base::Result<files::Cid, Failure> cid_of(const Invocation& invocation) {
  const std::string text = *invocation.text("CID");
  if (const auto id = files::Cid::from_hex(text)) return *id;
  return usage_failure("a content id has 64 hexadecimal digits, not \"" + base::shortened(text, kShownBytesMax) + '"',
                       "troupe file ls");
}

Commands file_commands() {
  return {
      {.name = "file put",
       .summary = "Store a file, and print its content id",
       .options = {{.name = "--replicas",
                    .value = "N",
                    .help = "nodes that keep each part of it, else as the node is set (3); exit 3 if there are fewer",
                    .min = 1,
                    .max = files::kReplicasMax}},
       .positionals = {{.name = "PATH|-", .help = "the file, or - for standard input"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = file_put},
      {.name = "file get",
       .summary = "Read a file back, each part of it verified",
       .options = {{.name = "-o",
                    .value = "PATH|-",
                    .help = "write here instead of standard output; a file there is replaced, once all has come",
                    .alias = "--output"},
                   {.name = "--range", .value = "A-B", .help = "only the bytes A to B, both included, from zero"}},
       .positionals = {cid()},
       .needs = Needs::view,
       .run = file_get},
      {.name = "file ls", .summary = "List the files that this node stores", .needs = Needs::view, .run = file_list},
      {.name = "file view",
       .summary = "Say what a file consists of, and where its copies lie",
       .options = {{.name = "--chunks", .help = "each chunk, too"}},
       .positionals = {cid()},
       .needs = Needs::view,
       .run = file_view},
      {.name = "file verify",
       .summary = "Read all copies of a file, and name those that are not sound",
       .positionals = {cid()},
       .needs = Needs::view,
       .run = file_verify},
      {.name = "file rm",
       .summary = "Give up a file that was put here; its copies go too, but at nodes where it was put as well",
       .positionals = {cid()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = file_remove},
      {.name = "file pin",
       .summary = "Keep a file whatever its time to expire",
       .positionals = {cid()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = file_pin},
      {.name = "file unpin",
       .summary = "Take the pin off a file",
       .positionals = {cid()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = file_unpin},
  };
}

}  // namespace troupe::apps
