// The figures of `troupe bench file`.
#include <array>
#include <fstream>
#include <limits>

#include "actors/files/api.hpp"
#include "actors/files/files_actor.hpp"
#include "actors/files/wire.hpp"
#include "apps/bench/figures.hpp"
#include "apps/cli/file_source.hpp"

namespace troupe::bench {
namespace {

constexpr std::size_t kPieceBytes = 1u << 20;              // messages/files.capnp: PutPiece
constexpr std::chrono::minutes kStreamIdle{5};             // as for `troupe file`
constexpr std::chrono::minutes kFileMax{10};               // for 16 GiB on a slow device
constexpr std::chrono::seconds kLoadMax{60};               // until an empty node serves
constexpr std::chrono::milliseconds kAskAgain{10};         // between requests whether it serves
constexpr std::uint64_t kSeed = 0x7472'6f75'7065'6669ull;  // any: its draws do not repeat, so no two chunks are equal

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
  return Failure{{base::Code::no_space, "cannot write the file to measure with: " + path},
                 "nothing was measured",
                 "--dir with a directory that has space for twice the file",
                 Exit::failed};
}

/// The measured file. `cid` is written by a put and read by operations that start after it has ended.
struct BenchFile {
  std::string path;
  std::uint64_t bytes = 0;
  files::Cid cid = {};
};

// -- actors: each does one operation on one file at its own node -----------------------------------------------------
//
// Time    from the request to its response or the end of its stream, in Figure::delays and mib_per_second.
// Errors  a refusal, and a response about a different number of bytes, count in Figure::errors.

class FileMeasuring : public Measuring {
 public:
  FileMeasuring(std::shared_ptr<BenchFile> file, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)), file_(std::move(file)) {}

 protected:
  void begin() { begun_ = now(); }
  void end(bool good) {
    const base::Duration took = now() - begun_;
    figure_.errors += good ? 0 : 1;
    figure_.delays.push_back(took);
    if (took.count() > 0)
      figure_.mib_per_second = static_cast<double>(file_->bytes) / static_cast<double>(1 << 20) /
                               std::chrono::duration<double>(took).count();
    Measuring::end();
  }

  const std::shared_ptr<BenchFile> file_;

 private:
  base::Instant begun_;
};

/// Puts the file with one replica. Reads it as the node accepts it: a slow device is measured too.
class FilePutter final : public FileMeasuring {
 public:
  using FileMeasuring::FileMeasuring;
  void start() override {
    begin();
    auto source = apps::FileSource::open(file_->path);
    if (!source.ok()) return end(false);
    source_ = std::move(source).value();
    piece_ = std::make_unique_for_overwrite<std::uint64_t[]>(kPieceBytes / sizeof(std::uint64_t));
    sink_ = feed<files::wire::PutFile, files::wire::PutPiece, files::wire::PutDone>(
        node().find(files::kPath), kStreamIdle, [](files::wire::PutFile::Builder question) { question.setReplicas(1); },
        [this](runtime::Answer<files::wire::PutDone> answer) {
          if (!answer.ok()) return end(false);
          const auto done = answer.value();
          const auto cid = files::Cid::from(bytes_of(done.getCid()));
          if (cid) file_->cid = *cid;
          end(cid && done.getBytes() == file_->bytes && done.getReplicasReached() == 1);
        });
    sink_.on_ready([this] { pump(); });
    pump();
  }

 private:
  void pump() {
    while (sink_.ready()) {
      const auto read = source_->read({reinterpret_cast<std::uint8_t*>(piece_.get()), kPieceBytes});
      if (!read.ok()) return sink_.fail(read.error().error);
      if (read.value() == 0) return sink_.end();
      const base::ByteView bytes{reinterpret_cast<const std::uint8_t*>(piece_.get()), read.value()};
      sink_.push([bytes](files::wire::PutPiece::Builder out) { out.adoptBytes(borrow(out, bytes)); });
    }
  }

  std::optional<apps::FileSource> source_;
  std::unique_ptr<std::uint64_t[]> piece_;  // whole words, which messages take without a copy
  runtime::Sink<files::wire::PutPiece> sink_;
};

/// Requests the stream `Q` about the file.
template <class Q, class Item>
class FileReader : public FileMeasuring {
 public:
  using FileMeasuring::FileMeasuring;
  void start() override {
    begin();
    stream_ = subscribe<Q, Item>(
        node().find(files::kPath), kStreamIdle,
        [this](typename Q::Builder question) { question.setCid(data_of(file_->cid.view())); },
        [this](typename Item::Reader item) { take(item); },
        [this](const base::Outcome<void>& ended) { end(ended.ok() && whole()); });
  }

 private:
  virtual void take(typename Item::Reader item) = 0;
  /// Whether everything that was expected has arrived.
  virtual bool whole() const = 0;

  runtime::Subscription stream_;
};

/// Gets the whole file, and counts its bytes.
class FileGetter final : public FileReader<files::wire::GetFile, files::wire::GetItem> {
 public:
  using FileReader::FileReader;

 private:
  void take(files::wire::GetItem::Reader item) override {
    if (item.isPiece()) bytes_ += item.getPiece().size();
  }
  bool whole() const override { return bytes_ == file_->bytes; }
  std::uint64_t bytes_ = 0;
};

/// Has all copies of the file read: each must be intact.
class FileVerifier final : public FileReader<files::wire::VerifyFile, files::wire::VerifyItem> {
 public:
  using FileReader::FileReader;

 private:
  void take(files::wire::VerifyItem::Reader item) override {
    if (item.isSum()) sound_ = item.getSum().getCopies() > 0 && item.getSum().getSound() == item.getSum().getCopies();
  }
  bool whole() const override { return sound_; }
  bool sound_ = false;
};

template <class T>
Measurement<Figure> timed(Runner& runner, const std::shared_ptr<BenchFile>& file, const std::string& what) {
  return runner.measure<T>(what, kFileMax, {.what = what}, file);
}

/// The root of a node that has files and no peers: paths are relative to a root.
class FileNode final : public runtime::Actor {
 public:
  static constexpr const char* kName = "file-node";
  void receive(runtime::Handlers&) override {}
  void start() override {
    files::FilesSettings setup;
    setup.claims.quota_bytes = std::numeric_limits<std::uint64_t>::max();
    spawn<files::FilesActor>("files", setup);
  }
};

/// Requests the list of files until it succeeds: then the node has read its rows.
class FileWaiter final : public Measuring {
 public:
  using Measuring::Measuring;
  void receive(runtime::Handlers& on) override {
    on.timer<AskAgain>([this] { start(); });
  }
  void start() override {
    const runtime::Handle service = node().find(files::kPath);
    if (!service) return after<AskAgain>(kAskAgain);
    stream_ = subscribe<files::wire::ListFiles, files::wire::FileRow>(
        service, kStreamIdle, [](files::wire::ListFiles::Builder) {}, [](files::wire::FileRow::Reader) {},
        [this](const base::Outcome<void>& ended) {
          if (!ended.ok()) return after<AskAgain>(kAskAgain);
          end();
        });
  }

 private:
  struct AskAgain {};
  runtime::Subscription stream_;
};

}  // namespace

// -- all of it --------------------------------------------------------------------------------------------------------

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
    return apps::usage_failure("--file must be a regular file that is not empty", "troupe help bench file");

  Figures out;
  const auto take = [&](Measurement<Figure> figure) -> Measurement<void> {
    if (!figure.ok()) return figure.error();
    out.push_back(std::move(figure).value());
    return {};
  };
  if (auto put = take(processes.measure(waker, file->bytes, kFileMax)); !put.ok()) return put.error();

  runner.node().start("node", factory<FileNode>(), {.kind = FileNode::kName});
  const auto there = runner.measure<FileWaiter>("file-waiter", kLoadMax, {});
  if (!there.ok()) return there.error();

  if (auto put = take(timed<FilePutter>(runner, file, "file.put.inproc")); !put.ok()) return put.error();
  if (out.back().errors > 0) return out;  // there is nothing to get
  if (auto got = take(timed<FileGetter>(runner, file, "file.get")); !got.ok()) return got.error();
  if (auto put = take(timed<FilePutter>(runner, file, "file.again")); !put.ok()) return put.error();
  if (auto read = take(timed<FileVerifier>(runner, file, "file.verify")); !read.ok()) return read.error();
  return out;
}

}  // namespace troupe::bench
