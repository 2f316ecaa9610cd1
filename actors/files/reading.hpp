#pragma once
// An actor that reads contents from their holders, in order and verified: the base of get, view, verify and copy.
//
// Use     open() with the candidates, want() the manifest or any content, then pump(). take() gets one content after
//         the other; a content that it does not take yet is offered again at the next pump().
// Seeks   a content that the first node asked does not give (this one, as a rule) is sought in the DHT; the candidates
//         are asked meanwhile.
// Late    a node that takes longer than its patience (Pace; kPatienceMin to kPatienceMax) has the next one asked too;
//         kLateFor later it no longer keeps others from being asked. `/files` is told which nodes were late, and how
//         long the others took: other readings ask the silent ones last for kSilentFor.
// Limits  FetchLimits; contents are held in the messages that brought them.
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "actors/files/files_part.hpp"
#include "actors/files/logic/pace.hpp"

namespace troupe::files {

inline constexpr std::chrono::seconds kPatienceMax{5};  // our choice: as long as a handshake may take
inline constexpr std::chrono::seconds kLateFor{2};      // our choice: until a late node gives its place to another

class Reading : public FilesPart {
 public:
  void receive(runtime::Handlers& on) override;
  void check() const override;

 protected:
  /// `pace` is that of earlier readings; `catalogue` is told of this one's.
  Reading(FilesSettings settings, Pace pace, runtime::Handle catalogue)
      : FilesPart(std::move(settings)), catalogue_(std::move(catalogue)), pace_(std::move(pace)) {}

  /// Begins anew: what was wanted before is forgotten.
  void open(std::vector<base::NodeId> candidates);
  void want(const ContentKey& key) { fetch_->want(key); }
  /// Passes on what has arrived and asks for what is missing. Nothing before open().
  void pump();
  /// The bytes were not what was expected: the reading ends.
  void close();
  bool reading() const { return fetch_.has_value(); }
  std::uint64_t bad_answers() const { return bad_answers_; }

  /// The next content in order. False: it is to be offered again.
  virtual bool take(const ContentKey& key, base::ByteView bytes) = 0;
  /// A content cannot be had; the reading has ended.
  virtual void failed(FetchEnd why) = 0;

  const runtime::Handle catalogue_;

 private:
  struct LookForLate {};
  struct Sent {
    base::Instant at;
    base::Instant late_at;  // then when it is given up; max(): neither
  };

  void seek(const ContentKey& key);
  void send(const FetchQuestion& question);
  void answered(const FetchQuestion& question, runtime::Answer<wire::Fetched>& answer);
  void learn(const FetchQuestion& question, bool gave);
  void look_for_late();
  void look_again();
  void say_where(const std::vector<base::NodeId>& nodes);

  std::optional<Fetch> fetch_;
  std::uint32_t opened_ = 0;  // answers to an earlier open() are late
  std::map<std::size_t, runtime::Envelope> arrived_;
  std::uint64_t bad_answers_ = 0;
  Pace pace_;
  std::set<base::NodeId> paced_;  // of which pace_ has learned something that is not told yet
  std::map<std::pair<std::size_t, base::NodeId>, Sent> sent_;  // questions of this open() that are not answered
};

/// Why bytes that fit their CID are no manifest that can be read.
base::Error to_error(ManifestError error);

}  // namespace troupe::files
