#pragma once
// The domain `files` in one run: performs operations, and decides when the nodes agree with the responses to clients.
//
// Close   every file is read from every node: small files completely, large files in part; owners verify their files.
// Lost    a node that lost data may have lost any copy and any row, so nothing follows from responses that only this
//         node gave. A file survives if more nodes had acknowledged it than lost data.
#include <map>

#include "actors/files/logic/content_memo.hpp"
#include "actors/files/sim_survey.hpp"
#include "runtime/sim/closing.hpp"

namespace troupe::files {

inline constexpr std::size_t kWholeBytesMax = 64 * 1024;  // read completely from all nodes; our choice
inline constexpr std::size_t kWaitsTold = 20;             // our choice: a screen

class FilesWorkload final : public sim::Workload {
 public:
  FilesWorkload(sim::Nodes& nodes, const sim::Scenario& scenario);

  void perform(const sim::Operation& operation) override;
  void died(std::size_t node) override;
  void probe() override;
  std::vector<std::string> waits() const override;
  void close() override;

 private:
  struct Asked {
    const SimFile* file = nullptr;
    bool verify = false;
    std::string text() const { return (verify ? "a verify of " : "a get of ") + file->name; }
  };
  using Closing = sim::Closing<Asked>;
  using Check = Closing::Check;
  void begin(const sim::Operation& operation);
  void start(Check& check);
  void read_ended(Check& check, const SimClients::Error& error);
  void verify_ended(Check& check, const SimClients::Error& error, const SimVerified& seen);
  std::vector<std::string> short_files() const;
  /// Returns whether an owner's list must show the file, and more nodes had it than lost data.
  bool due(const SimFile& file) const;
  bool due(const SimFile& file, std::size_t owner) const;
  void check_lost();

  ContentMemo memo_;
  sim::Nodes& nodes_;
  const bool room_for_all_;  // no quota makes a node refuse data
  SimFiles files_;
  SimLedger ledger_;
  SimClients clients_;
  SimSurvey survey_;
  Closing closing_;
  std::map<Cid, unsigned> lost_;  // number of surveys in a row that found no copy of one of its objects
};

}  // namespace troupe::files
