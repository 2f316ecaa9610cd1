#pragma once
// The processes of the figure `file.put`: a node, and a command that puts a file at this node, as a user runs them.
//
// Order   created before any thread of this process, as SecondProcess requires; the file may be created later.
// Time    from the order to the command until the command has ended. It includes the connection to the node's socket,
//         reading and sending the file, and hashing and syncing the chunks, but not the start of the processes.
// End     both end with this object, or with this process.
#include "apps/bench/second_process.hpp"
#include "apps/cli/command.hpp"

namespace troupe::bench {

class FileProcesses {
 public:
  /// Starts both. The node stores its data below `folder`; `file` is the file to put; `table` has the commands of
  /// `troupe`.
  static Measurement<std::unique_ptr<FileProcesses>> start(const apps::Commands& table, const ScratchFolder& folder,
                                                           const std::string& file);
  ~FileProcesses();
  FileProcesses(const FileProcesses&) = delete;
  FileProcesses& operator=(const FileProcesses&) = delete;

  /// Call once: puts the file and removes what the node has stored. A failed put counts as an error.
  Measurement<Figure> measure(os::Waker& waker, std::uint64_t bytes, base::Duration at_most);

 private:
  FileProcesses(std::string data, std::unique_ptr<SecondProcess> node, std::unique_ptr<SecondProcess> command)
      : data_(std::move(data)), node_(std::move(node)), command_(std::move(command)) {}
  void end();

  const std::string data_;
  std::unique_ptr<SecondProcess> node_, command_;
};

}  // namespace troupe::bench
