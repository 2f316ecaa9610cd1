// troupe file get
#include "actors/files/logic/range.hpp"
#include "apps/cli/file_target.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/files/file.hpp"

namespace troupe::apps {
namespace {

namespace wire = files::wire;
using base::Code;

constexpr std::chrono::milliseconds kReaderAgain{50};  // our choice: how soon the reader of a named pipe is noticed

/// The response to a request, written as a file is.
class BodyTarget {
 public:
  explicit BodyTarget(Transfer& transfer) : transfer_(transfer) {}
  void begin(std::uint64_t bytes, std::uint64_t first, std::uint64_t file_bytes) {
    transfer_.begin(bytes, first, file_bytes);
  }
  base::Result<void, Failure> write(std::span<const std::uint8_t> bytes, FileTarget::WaitForRoom&) {
    written_ += bytes.size();
    return transfer_.write({bytes.data(), bytes.size()});
  }
  base::Result<void, Failure> commit() { return {}; }
  std::uint64_t bytes() const { return written_; }
  const char* outcome() const { return ""; }

 private:
  Transfer& transfer_;
  std::uint64_t written_ = 0;
};

template <class Target>
class Get {
 public:
  Get(Target target, Client& client, Console& console)
      : target_(std::move(target)),
        client_(client),
        console_(console),
        wait_([&client](int descriptor) -> Client::Outcome<void> {
          const auto ready = client.wait_for(descriptor, os::Waker::Want::writing);
          if (!ready.ok()) return ready.error();
          return {};
        }) {}

  Client::Outcome<void> run(const files::Cid& cid, const std::optional<files::Range>& range) {
    first_ = range ? range->first : 0;
    const auto read = subscribe(cid, range);
    progress_.reset();
    if (!read.ok()) {
      Failure failure = read.error();
      if (failure.outcome.empty()) failure.outcome = target_.outcome();
      return failure;
    }
    if (!part_bytes_ || target_.bytes() != *part_bytes_)
      return Failure{
          {Code::corrupt, "the node ended the transfer early: got " + std::to_string(target_.bytes()) + " of " +
                              (part_bytes_ ? std::to_string(*part_bytes_) : "an unknown number of") + " bytes"},
          target_.outcome()};
    return target_.commit();
  }

  std::uint64_t bytes() const { return target_.bytes(); }
  std::uint64_t file_bytes() const { return file_bytes_; }

 private:
  Client::Outcome<void> subscribe(const files::Cid& cid, const std::optional<files::Range>& range) {
    return client_.subscribe<wire::GetFile, wire::GetItem>(
        files::kPath, kFileIdle,
        [&](wire::GetFile::Builder question) {
          question.setCid(data(cid.view()));
          if (!range) return;
          auto part = question.getPart().initRange();
          part.setFirst(range->first);
          part.setLast(range->last);
        },
        [this](wire::GetItem::Reader item) { return take(item); });
  }

  Client::Outcome<void> take(wire::GetItem::Reader item) {
    if (item.isStart() && !part_bytes_) {
      part_bytes_ = item.getStart().getPartBytes();
      file_bytes_ = item.getStart().getFileBytes();
      if constexpr (requires { target_.begin(0, 0, 0); }) target_.begin(*part_bytes_, first_, file_bytes_);
      progress_.emplace(console_, "reading", *part_bytes_, client_.now());
      return {};
    }
    if (!item.isPiece() || !part_bytes_ || item.getPiece().size() > *part_bytes_ - target_.bytes())
      return Failure{{Code::malformed, "the node sent data other than the bytes of the file"}, {}, {}, Exit::failed};
    const auto piece = item.getPiece();
    auto written = target_.write({piece.begin(), piece.size()}, wait_);
    progress_->update(target_.bytes(), client_.now());
    return written;
  }

  Target target_;
  Client& client_;
  Console& console_;
  FileTarget::WaitForRoom wait_;
  std::optional<Progress> progress_;  // once there is a first item
  std::optional<std::uint64_t> part_bytes_;
  std::uint64_t first_ = 0, file_bytes_ = 0;
};

}  // namespace

Ending file_get(const Invocation& invocation, Console& console) {
  const auto cid = cid_of(invocation);
  if (!cid.ok()) return cid.error();
  std::optional<files::Range> range;
  if (const auto text = invocation.text("--range")) {
    range = files::Range::parse(*text);
    if (!range)
      return usage_failure("invalid range: expected A-B, the numbers of its first and last byte, such as 0-1023",
                           "troupe help file get");
  }
  const auto output = invocation.text("-o");
  if (!output && console.out_is_terminal)
    return usage_failure("the bytes of a file may disturb the terminal", "-o PATH, or -o - to print them anyway");
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  if (const auto& server = invocation.globals.server) {
    const auto read = Get(BodyTarget(*server->transfer), *client.value(), console).run(cid.value(), range);
    if (!read.ok()) return read.error();
    return Exit::done;
  }
  const std::string path = output.value_or("-");
  const bool to_output = FileTarget::is_standard_output(path);
  auto target = FileTarget::open(path, [&] { return client.value()->pause(kReaderAgain); });
  if (!target.ok()) return target.error();
  Get get(std::move(target).value(), *client.value(), console);
  const auto read = get.run(cid.value(), range);
  if (!read.ok()) return read.error();
  // Standard output is the file's where it goes there.
  if (!invocation.globals.json || to_output) return Exit::done;
  JsonLine<output::wire::FileGot> line;
  line->setCid(data(cid.value().view()));
  line->setFile(path);
  line->setBytes(get.bytes());
  line->setFileBytes(get.file_bytes());
  line.print(console.out);
  return Exit::done;
}

}  // namespace troupe::apps
