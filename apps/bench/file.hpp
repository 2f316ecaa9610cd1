#pragma once
// The actors that `troupe bench file` measures with: each does one thing with one file at its own node, and times it.
//
// Time    from the question to its answer or the end of its stream, in Figure::delays and mib_per_second.
// Errors  a refusal, and an answer about another number of bytes, count in Figure::errors.
#include <memory>
#include <string>

#include "actors/files/api.hpp"
#include "apps/bench/actors.hpp"
#include "apps/cli/file_source.hpp"
#include "messages/files.capnp.h"

namespace troupe::bench {

/// What is measured with. `cid` is written by a put and read by what starts after it has ended.
struct BenchFile {
  std::string path;
  std::uint64_t bytes = 0;
  files::Cid cid = {};
};

/// Notes in a figure how long its bytes took.
class FileTimer {
 public:
  FileTimer(std::shared_ptr<BenchFile> file, Figure figure, Measured measured)
      : file_(std::move(file)), figure_(std::move(figure)), measured_(std::move(measured)) {}

  void begin(base::Instant now) { begun_ = now; }
  void end(base::Instant now, bool good);
  BenchFile& file() { return *file_; }

 private:
  const std::shared_ptr<BenchFile> file_;
  Figure figure_;
  const Measured measured_;
  base::Instant begun_;
};

/// Puts the file with one replica. Reads it as it is taken: a device that is slow is measured too.
class FilePutter final : public runtime::Actor {
 public:
  static constexpr const char* kName = "file-putter";
  explicit FilePutter(FileTimer timer) : timer_(std::move(timer)) {}
  void receive(runtime::Handlers&) override {}
  void start() override;

 private:
  void pump();
  void end(bool good);

  FileTimer timer_;
  std::optional<apps::FileSource> source_;
  std::unique_ptr<std::uint64_t[]> piece_;  // whole words, which messages take without a copy of their own
  runtime::Sink<files::wire::PutPiece> sink_;
};

/// Gets the file whole, and counts its bytes.
class FileGetter final : public runtime::Actor {
 public:
  static constexpr const char* kName = "file-getter";
  explicit FileGetter(FileTimer timer) : timer_(std::move(timer)) {}
  void receive(runtime::Handlers&) override {}
  void start() override;

 private:
  FileTimer timer_;
  std::uint64_t bytes_ = 0;
  runtime::Subscription stream_;
};

/// Has all copies of the file read: each must be sound.
class FileVerifier final : public runtime::Actor {
 public:
  static constexpr const char* kName = "file-verifier";
  explicit FileVerifier(FileTimer timer) : timer_(std::move(timer)) {}
  void receive(runtime::Handlers&) override {}
  void start() override;

 private:
  FileTimer timer_;
  bool sound_ = false;
  runtime::Subscription stream_;
};

/// The root of a node that has files and no peers: paths are those below a root.
class FileNode final : public runtime::Actor {
 public:
  static constexpr const char* kName = "file-node";
  void receive(runtime::Handlers&) override {}
  void start() override;
};

/// Asks for the list of files until it is given: the node has read its rows.
class FileWaiter final : public runtime::Actor {
 public:
  static constexpr const char* kName = "file-waiter";
  explicit FileWaiter(Measured measured) : measured_(std::move(measured)) {}
  void receive(runtime::Handlers& on) override;
  void start() override;

 private:
  struct AskAgain {};
  const Measured measured_;
  runtime::Subscription stream_;
};

}  // namespace troupe::bench
