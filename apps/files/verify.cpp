// troupe file verify
#include "actors/files/wire.hpp"
#include "apps/cli/copy_same.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/files/file.hpp"

namespace troupe::apps {
namespace {

namespace wire = files::wire;
using base::Code;

/// Lines as they come, and the sum.
class Verify {
 public:
  Verify(Client& client, Console& console, Form form)
      : client_(client), console_(console), form_(form), begun_(client.now()) {}

  Client::Outcome<void> take(wire::VerifyItem::Reader item) {
    switch (item.which()) {
      case wire::VerifyItem::COPY: return take(item.getCopy());
      case wire::VerifyItem::PROGRESS: {
        if (!progress_) progress_.emplace(console_, "verifying", item.getProgress().getBytesTotal(), begun_);
        progress_->update(item.getProgress().getBytes(), client_.now());
        return {};
      }
      case wire::VerifyItem::SUM: {
        progress_.reset();
        summed_ = true;
        repaired_ = item.getSum().getRepaired();
        unsound_ = item.getSum().getLacking() + item.getSum().getDamaged() - repaired_;
        unknown_ = item.getSum().getUnknown();
        print(item.getSum());
        return {};
      }
    }
    return Failure{{Code::malformed, "the node sent something unknown to this program"}, {}, {}, Exit::failed};
  }

  Ending ending() const {
    if (!summed_) return Failure{{Code::corrupt, "the node ended the report early, without the sum"}};
    if (unsound_ > 0) return Exit::failed;
    return unknown_ > 0 ? Exit::unavailable : Exit::done;
  }

 private:
  Client::Outcome<void> take(wire::VerifyCopy::Reader copy) {
    const auto key = files::read_content(copy.getContent());
    if (!key.ok()) return Failure{key.error(), {}, {}, Exit::failed};
    const bool chunk = key.value().kind == files::ContentKind::chunk;
    progress_.reset();  // its line is in the way
    if (form_ == Form::text) {
      console_.out << enumerant_text(copy.getState()) << ' ' << (chunk ? "chunk " : "manifest ") << key.value().id.hex()
                   << " at " << hex(copy.getNode()) << '\n';
      return {};
    }
    JsonLine<output::wire::FileCopy> line;
    line->setNode(copy.getNode());
    line->setKind(chunk ? output::wire::ContentKind::CHUNK : output::wire::ContentKind::MANIFEST);
    line->setId(data(key.value().id.view()));
    line->setState(enumerant_text(copy.getState()));
    line.print(console_.out);
    return {};
  }

  void print(wire::VerifySum::Reader sum) {
    if (form_ == Form::text) {
      console_.out << sum.getSound() << " of " << sum.getCopies() << " copies are intact";
      const auto also = [&](std::uint64_t number, const char* what) {
        if (number > 0) console_.out << ", " << number << ' ' << what;
      };
      also(sum.getDamaged() - sum.getRepaired(), "damaged");
      also(sum.getRepaired(), "were damaged and are repaired");
      also(sum.getLacking(), "lacking");
      also(sum.getUnknown(), "at nodes that did not respond");
      console_.out << '\n';
      return;
    }
    JsonLine<output::wire::FileVerified> line;
    copy_same(sum, *line);
    line->setSummary(true);
    line.print(console_.out);
  }

  Client& client_;
  Console& console_;
  const Form form_;
  const base::Instant begun_;
  std::optional<Progress> progress_;
  bool summed_ = false;
  std::uint64_t unsound_ = 0, repaired_ = 0, unknown_ = 0;
};

}  // namespace

Ending file_verify(const Invocation& invocation, Console& console) {
  std::optional<files::Cid> file;
  if (invocation.text("CID")) {
    const auto cid = cid_of(invocation);
    if (!cid.ok()) return cid.error();
    file = cid.value();
  }
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  Verify verify(*client.value(), console, invocation.globals.json ? Form::json : Form::text);
  const auto read = client.value()->subscribe<wire::VerifyFile, wire::VerifyItem>(
      files::kPath, kFileIdle,
      [&](wire::VerifyFile::Builder question) {
        if (file) question.setCid(data(file->view()));
      },
      [&](wire::VerifyItem::Reader item) { return verify.take(item); });
  if (!read.ok()) return read.error();
  return verify.ending();
}

}  // namespace troupe::apps
