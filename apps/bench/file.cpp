// The figures of `troupe bench file`.
#include "apps/bench/file.hpp"

#include <array>
#include <fstream>
#include <limits>

#include "actors/files/files_actor.hpp"
#include "actors/files/wire.hpp"
#include "apps/bench/figures.hpp"

namespace troupe::bench {
namespace {

constexpr std::size_t kPieceBytes = 1u << 20;              // messages/files.capnp: PutPiece
constexpr std::chrono::minutes kStreamIdle{5};             // what `troupe file` gives, too
constexpr std::chrono::minutes kFileMax{10};               // for 16 GiB on a slow device
constexpr std::chrono::seconds kLoadMax{60};               // until an empty node serves
constexpr std::chrono::milliseconds kAskAgain{10};         // whether it does
constexpr std::uint64_t kSeed = 0x7472'6f75'7065'6669ull;  // any: its draws do not repeat, so no chunk is another's

Measurement<void> make_file(const std::string& path, std::uint64_t bytes) {
  std::ofstream out(path, std::ios::binary);
  base::Random random(kSeed);
  std::array<std::uint64_t, 8'192> words{};
  for (std::uint64_t done = 0; done < bytes; done += sizeof words) {
    for (auto& word : words) word = random.next();
    out.write(reinterpret_cast<const char*>(words.data()),
              static_cast<std::streamsize>(std::min<std::uint64_t>(sizeof words, bytes - done)));
  }
  out.close();
  if (out) return {};
  return Failure{{base::Code::no_space, "the file to measure with cannot be written: " + path},
                 "nothing was measured",
                 "--dir with a directory that has room for twice the file",
                 Exit::failed};
}

template <class T>
Measurement<Figure> timed(Runner& runner, const std::shared_ptr<BenchFile>& file, const std::string& what) {
  return runner.measure(what, kFileMax, [&](Measured measured) -> runtime::Factory {
    return [file, what, measured] { return std::make_unique<T>(FileTimer(file, Figure{.what = what}, measured)); };
  });
}

}  // namespace

void FileTimer::end(base::Instant now, bool good) {
  const base::Duration took = now - begun_;
  figure_.errors += good ? 0 : 1;
  figure_.delays.push_back(took);
  if (took.count() > 0)
    figure_.mib_per_second =
        static_cast<double>(file_->bytes) / static_cast<double>(1 << 20) / std::chrono::duration<double>(took).count();
  measured_(std::move(figure_));
}

// -- put
// -------------------------------------------------------------------------------------------------------------------

void FilePutter::start() {
  timer_.begin(now());
  auto source = apps::FileSource::open(timer_.file().path);
  if (!source.ok()) return end(false);
  source_ = std::move(source).value();
  piece_ = std::make_unique_for_overwrite<std::uint64_t[]>(kPieceBytes / sizeof(std::uint64_t));
  sink_ = feed<files::wire::PutFile, files::wire::PutPiece, files::wire::PutDone>(
      node().find(files::kPath), kStreamIdle, [](files::wire::PutFile::Builder question) { question.setReplicas(1); },
      [this](runtime::Answer<files::wire::PutDone> answer) {
        if (!answer.ok()) return end(false);
        const auto done = answer.value();
        const auto cid = files::Cid::from(files::bytes_of(done.getCid()));
        if (cid) timer_.file().cid = *cid;
        end(cid && done.getBytes() == timer_.file().bytes && done.getReplicasReached() == 1);
      });
  sink_.on_ready([this] { pump(); });
  pump();
}

void FilePutter::pump() {
  while (sink_.ready()) {
    const auto read = source_->read({reinterpret_cast<std::uint8_t*>(piece_.get()), kPieceBytes});
    if (!read.ok()) {
      sink_.fail(read.error().error);
      return;
    }
    if (read.value() == 0) return sink_.end();
    const base::ByteView bytes{reinterpret_cast<const std::uint8_t*>(piece_.get()), read.value()};
    sink_.push([bytes](files::wire::PutPiece::Builder out) { out.adoptBytes(files::borrow(out, bytes)); });
  }
}

void FilePutter::end(bool good) {
  timer_.end(now(), good);
  finish();
}

// -- get, verify
// -----------------------------------------------------------------------------------------------------------

void FileGetter::start() {
  timer_.begin(now());
  stream_ = subscribe<files::wire::GetFile, files::wire::GetItem>(
      node().find(files::kPath), kStreamIdle,
      [this](files::wire::GetFile::Builder question) { question.setCid(files::data_of(timer_.file().cid.view())); },
      [this](files::wire::GetItem::Reader item) {
        if (item.isPiece()) bytes_ += item.getPiece().size();
      },
      [this](const base::Outcome<void>& ended) {
        timer_.end(now(), ended.ok() && bytes_ == timer_.file().bytes);
        finish();
      });
}

void FileVerifier::start() {
  timer_.begin(now());
  stream_ = subscribe<files::wire::VerifyFile, files::wire::VerifyItem>(
      node().find(files::kPath), kStreamIdle,
      [this](files::wire::VerifyFile::Builder question) { question.setCid(files::data_of(timer_.file().cid.view())); },
      [this](files::wire::VerifyItem::Reader item) {
        if (item.isSum())
          sound_ = item.getSum().getCopies() > 0 && item.getSum().getSound() == item.getSum().getCopies();
      },
      [this](const base::Outcome<void>& ended) {
        timer_.end(now(), ended.ok() && sound_);
        finish();
      });
}

void FileNode::start() {
  files::FilesSettings setup;
  setup.claims.quota_bytes = std::numeric_limits<std::uint64_t>::max();
  spawn<files::FilesActor>("files", setup);
}

void FileWaiter::receive(runtime::Handlers& on) {
  on.timer<AskAgain>([this] { start(); });
}

void FileWaiter::start() {
  const runtime::Handle whom = node().find(files::kPath);
  if (!whom) return after<AskAgain>(kAskAgain);
  stream_ = subscribe<files::wire::ListFiles, files::wire::FileRow>(
      whom, kStreamIdle, [](files::wire::ListFiles::Builder) {}, [](files::wire::FileRow::Reader) {},
      [this](const base::Outcome<void>& ended) {
        if (!ended.ok()) return after<AskAgain>(kAskAgain);
        measured_(Figure{});
        finish();
      });
}

// -- all of it
// -------------------------------------------------------------------------------------------------------------

std::string measured_file(const ScratchFolder& folder, const std::string& given) {
  return given.empty() ? folder.path() + "/input" : given;
}

Measurement<Figures> measure_files(os::Waker& waker, Runner& runner, FileProcesses& processes,
                                   const ScratchFolder& folder, const std::string& given, std::uint64_t bytes) {
  const auto file = std::make_shared<BenchFile>();
  file->path = measured_file(folder, given);
  if (given.empty())
    if (auto made = make_file(file->path, bytes); !made.ok()) return made.error();
  const auto source = apps::FileSource::open(file->path);
  if (!source.ok()) return source.error();
  file->bytes = source.value().bytes();
  if (file->bytes == 0)
    return apps::usage_failure("--file is a regular file that is not empty", "troupe help bench file");

  Figures out;
  const auto take = [&](Measurement<Figure> figure) -> Measurement<void> {
    if (!figure.ok()) return figure.error();
    out.push_back(std::move(figure).value());
    return {};
  };
  if (auto put = take(processes.measure(waker, file->bytes, kFileMax)); !put.ok()) return put.error();

  runner.node().start("node", [] { return std::make_unique<FileNode>(); }, {.kind = FileNode::kName});
  const auto there = runner.measure("file-waiter", kLoadMax, [](Measured measured) -> runtime::Factory {
    return [measured] { return std::make_unique<FileWaiter>(measured); };
  });
  if (!there.ok()) return there.error();

  if (auto put = take(timed<FilePutter>(runner, file, "file.put.inproc")); !put.ok()) return put.error();
  if (out.back().errors > 0) return out;  // there is nothing to get
  if (auto got = take(timed<FileGetter>(runner, file, "file.get")); !got.ok()) return got.error();
  if (auto put = take(timed<FilePutter>(runner, file, "file.again")); !put.ok()) return put.error();
  if (auto read = take(timed<FileVerifier>(runner, file, "file.verify")); !read.ok()) return read.error();
  return out;
}

}  // namespace troupe::bench
