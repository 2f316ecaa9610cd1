// troupe file put
#include <capnp/orphan.h>

#include <filesystem>

#include "actors/files/logic/file_name.hpp"
#include "apps/cli/copy_same.hpp"
#include "apps/cli/file_source.hpp"
#include "apps/cli/shell_word.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/files/file.hpp"
#include "apps/files/group.hpp"
#include "runtime/os/folder_archive.hpp"

namespace troupe::apps {
namespace {

namespace wire = files::wire;
using base::Code;

constexpr std::size_t kPieceBytes = 1u << 20;  // messages/files.capnp: PutPiece

/// A piece of the file in flight, in whole words, so that it is not copied again.
struct Piece {
  Piece() : words(std::make_unique_for_overwrite<std::uint64_t[]>(kPieceBytes / sizeof(std::uint64_t))) {}
  std::span<std::uint8_t> room() { return {reinterpret_cast<std::uint8_t*>(words.get()), kPieceBytes}; }

  void fill(wire::PutPiece::Builder out) {
    const capnp::Data::Reader bytes(room().data(), size);
    if (size % sizeof(capnp::word) != 0) return out.setBytes(bytes);
    out.adoptBytes(capnp::Orphanage::getForMessageContaining(out).referenceExternalData(bytes));
  }

  std::unique_ptr<std::uint64_t[]> words;
  std::size_t size = 0;
};

/// A folder as an archive, read as a file is (apps/cli/file_source.hpp).
class FolderSource {
 public:
  explicit FolderSource(const std::string& path, os::FolderArchive archive)
      : name_(std::filesystem::path(path).filename().string() + ".tar"), archive_(std::move(archive)) {}

  const std::string& name() const { return name_; }
  std::uint64_t bytes() const { return archive_.bytes(); }
  bool waits() const { return false; }
  int descriptor() const { return -1; }
  base::Result<std::size_t, Failure> read(std::span<std::uint8_t> out) {
    auto got = archive_.read(out);
    if (got.ok()) return got.value();
    return Failure{got.error(), "nothing was stored under a content id"};
  }

 private:
  std::string name_;
  os::FolderArchive archive_;
};

/// Bytes in memory, read as a file is.
class BytesSource {
 public:
  explicit BytesSource(base::ByteView bytes) : rest_(bytes) {}
  std::string name() const { return {}; }
  std::uint64_t bytes() const { return rest_.size(); }
  bool waits() const { return false; }
  int descriptor() const { return -1; }
  base::Result<std::size_t, Failure> read(std::span<std::uint8_t> out) {
    const std::size_t count = std::min(out.size(), rest_.size());
    std::copy_n(rest_.begin(), count, out.begin());
    rest_ = rest_.subspan(count);
    return count;
  }

 private:
  base::ByteView rest_;
};

/// The body of a request, read as a file is.
class BodySource {
 public:
  BodySource(Transfer& transfer, std::string name) : transfer_(transfer), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  std::uint64_t bytes() const { return 0; }
  bool waits() const { return false; }
  int descriptor() const { return -1; }
  base::Result<std::size_t, Failure> read(std::span<std::uint8_t> out) {
    std::size_t got = 0;
    while (got < out.size()) {
      const auto more = transfer_.read(out.subspan(got, std::min(out.size() - got, kBodyBytes)));
      if (!more.ok()) return more.error();
      if (more.value() == 0) break;
      got += more.value();
    }
    return got;
  }

 private:
  static constexpr std::size_t kBodyBytes =
      64u << 10;  // our choice: the slowest client that is waited for sends it in 30 s
  Transfer& transfer_;
  std::string name_;
};

template <class Source>
class Put {
 public:
  Put(Source source, Client& client, Console& console, std::string name)
      : source_(std::move(source)),
        name_(std::move(name)),
        client_(client),
        progress_(console, source_.name().empty() ? "standard input" : source_.name(), source_.bytes(), client.now()) {}

  Client::Outcome<Kept<wire::PutDone>> run(std::optional<std::uint64_t> replicas) {
    auto done = client_.feed<wire::PutFile, wire::PutPiece, wire::PutDone>(
        files::kPath, kFileIdle,
        [&](wire::PutFile::Builder question) {
          question.setName(name_);
          if (replicas) question.setReplicas(static_cast<std::uint8_t>(*replicas));
        },
        [this] { return next(); });
    if (done.ok()) return done;
    return explained(done.error());
  }

 private:
  using Filled = std::optional<base::Callback<void(wire::PutPiece::Builder)>>;

  Client::Produced<wire::PutPiece> next() {
    if (client_.interrupted()) return client_.interruption();
    if (source_.waits()) {
      const auto ready = client_.wait_for(source_.descriptor(), os::Waker::Want::reading, kFileAlive);
      if (!ready.ok()) return ready.error();
      // An empty piece is passed over, and keeps the stream from being idle.
      if (!ready.value()) return Filled([](auto) {});
    }
    Piece piece;
    const auto read = source_.read(piece.room());
    if (!read.ok()) return read.error();
    piece.size = read.value();
    all_read_ = piece.size == 0;
    if (all_read_) return Filled();
    bytes_ += piece.size;
    progress_.update(bytes_, client_.now());
    return Filled([piece = std::move(piece)](wire::PutPiece::Builder out) mutable { piece.fill(out); });
  }

  /// Before its end the node cannot have listed the file; after it, only a response of the node itself is certain.
  Failure explained(Failure failure) const {
    const Code code = failure.error.code;
    if (!failure.outcome.empty()) return failure;
    if (!all_read_) {
      failure.outcome = "nothing was stored under a content id";
      return failure;
    }
    const bool lost = code == Code::unavailable && failure.error.retry_after.count() == 0;
    if (lost) failure.error.code = Code::unknown_outcome;
    if (lost || code == Code::timeout || code == Code::dropped)
      failure.try_ = "troupe file ls " + client_.way() + " shows what is stored";
    return failure;
  }

  Source source_;
  const std::string name_;
  Client& client_;
  Progress progress_;
  std::uint64_t bytes_ = 0;
  bool all_read_ = false;
};

void print_json(std::ostream& out, wire::PutDone::Reader done, const std::string& name) {
  JsonLine<output::wire::FilePut> line;
  copy_same(done, *line);
  if (!name.empty()) line->setName(name);
  line->setReplicas(done.getReplicasAsked());
  line->setReached(done.getReplicasReached());
  line.print(out);
}

/// The failure of a file whose name the node would not list. Its contents can be stored without a name.
std::optional<Failure> name_fault(const std::string& path, const std::string& name) {
  const auto checked = files::check_name(name);
  if (checked.ok()) return std::nullopt;
  return Failure{{Code::refused, "the name of " + path + " cannot be listed: " + std::string(explain(checked.error()))},
                 "nothing was stored",
                 "troupe file put - <" + shell_word(path) + ", which stores it without a name"};
}

template <class Source>
Client::Outcome<files::Cid> put(Source source, Client& client, Console& console) {
  std::string name = source.name();
  auto stored = Put(std::move(source), client, console, std::move(name)).run(std::nullopt);
  if (!stored.ok()) return stored.error();
  const auto cid = stored.value().root().getCid();
  const auto out = files::Cid::from({cid.begin(), cid.size()});
  if (!out) return Failure{.error = {Code::corrupt, "the node's response is not a content id"}};
  return *out;
}

}  // namespace

Client::Outcome<files::Cid> put_file(Client& client, Console& console, const std::string& path) {
  auto source = FileSource::open(path);
  if (!source.ok()) return source.error();
  if (const auto wrong = name_fault(path, source.value().name())) return *wrong;
  return put(std::move(source).value(), client, console);
}

Client::Outcome<files::Cid> put_bytes(Client& client, Console& console, base::ByteView bytes) {
  return put(BytesSource(bytes), client, console);
}

Client::Outcome<files::Cid> put_folder(Client& client, Console& console, const std::string& path) {
  auto archive = os::FolderArchive::open(path);
  if (!archive.ok()) return Failure{archive.error(), "nothing was stored"};
  return put(FolderSource(path, std::move(archive).value()), client, console);
}

namespace {

template <class Source>
Ending put_and_print(Source source, const Invocation& invocation, Console& console) {
  const std::string name = invocation.text("--name").value_or(source.name());
  if (const auto wrong = name_fault(*invocation.text("PATH|-"), name)) return *wrong;
  std::optional<kv_command::Way> group;  // asked first: without it nothing is stored
  if (invocation.has("--group")) {
    auto way = kv_command::way_of(invocation, console);
    if (!way.ok()) return way.error();
    group = std::move(way).value();
  }
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto stored = Put(std::move(source), *client.value(), console, name).run(invocation.number("--replicas"));
  if (!stored.ok()) return stored.error();
  const auto done = stored.value().root();
  if (group) {
    const auto cid = files::Cid::from({done.getCid().begin(), done.getCid().size()});
    auto added = file_group::add(*group, *cid, name, done.getBytes());
    if (!added.ok()) {
      Failure failure = added.error();
      failure.outcome = "the file is stored at this node as " + cid->hex() + ", but not in the group's catalogue";
      return failure;
    }
  }
  const unsigned asked = done.getReplicasAsked(), reached = done.getReplicasReached();
  if (invocation.globals.json) print_json(console.out, done, name);
  else console.out << hex(done.getCid()) << '\n';
  if (reached >= asked) return Exit::done;
  if (!invocation.globals.json)
    console.err << "note: stored at " << reached << " of " << asked
                << " nodes, because no more could be reached; the node keeps trying\n";
  return Exit::partly;
}

}  // namespace

Ending file_put(const Invocation& invocation, Console& console) {
  if (const auto& server = invocation.globals.server)
    return put_and_print(BodySource(*server->transfer, ""), invocation, console);
  auto source = FileSource::open(*invocation.text("PATH|-"));
  if (!source.ok()) return source.error();
  return put_and_print(std::move(source).value(), invocation, console);
}

}  // namespace troupe::apps
