#pragma once
// An actor that reads objects from their holders, in order and verified: the base of get, view, verify and copy.
//
// Use     open() with the candidates, want() the manifest or any object, then pump(). take() gets one object after
//         another; if it does not take an object, the object is offered again at the next pump().
// Seeks   if the first node asked (usually this node) lacks an object, the DHT is searched; the candidates are asked at
//         the same time.
// Late    if a node takes longer than its patience (Pace; kPatienceMin to kPatienceMax), the next is asked too;
//         kLateFor later it no longer delays other requests. The reading tells `/files` which nodes were late, and how
//         long the other nodes took. Other readings ask silent nodes last for kSilentFor.
// Limits  FetchLimits; objects are held in the messages that brought them.
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "actors/files/files_part.hpp"
#include "actors/files/logic/pace.hpp"

namespace troupe::files {

inline constexpr std::chrono::seconds kPatienceMax{5};  // our choice: as long as a handshake may take
inline constexpr std::chrono::seconds kLateFor{2};      // our choice: until a late request frees its slot

class Reading : public FilesPart {
 public:
  void receive(runtime::Handlers& on) override;
  void check() const override;

 protected:
  /// `pace` is from earlier readings. The reading reports its own to `catalogue`.
  Reading(FilesSettings settings, Pace pace, runtime::Handle catalogue)
      : FilesPart(std::move(settings)), catalogue_(std::move(catalogue)), pace_(std::move(pace)) {}

  /// Starts again: earlier wants are forgotten.
  void open(std::vector<base::NodeId> candidates);
  void want(const ContentKey& key) { fetch_->want(key); }
  /// Passes on arrived objects and requests missing objects. Does nothing before open().
  void pump();
  /// Ends the reading, because the bytes were not as expected.
  void close();
  bool reading() const { return fetch_.has_value(); }
  std::uint64_t bad_answers() const { return bad_answers_; }

  /// Gets the next object in order. Returns false to get it again later.
  virtual bool take(const ContentKey& key, base::ByteView bytes) = 0;
  /// Called when an object cannot be fetched, and the reading has ended.
  virtual void failed(FetchEnd why) = 0;

  const runtime::Handle catalogue_;

 private:
  struct LookForLate {};
  struct Sent {
    base::Instant at;
    base::Instant late_at;  // when it is late; after that, when it is given up; max() after both
  };

  void seek(const ContentKey& key);
  void send(const FetchQuestion& question);
  void answered(const FetchQuestion& question, runtime::Answer<wire::Fetched>& answer);
  void learn(const FetchQuestion& question, bool gave);
  void look_for_late();
  void look_again();
  void say_where(const std::vector<base::NodeId>& nodes);

  std::optional<Fetch> fetch_;
  std::uint32_t opened_ = 0;  // number of open() calls; responses to earlier calls are ignored
  std::map<std::size_t, runtime::Envelope> arrived_;
  std::uint64_t bad_answers_ = 0;
  Pace pace_;
  std::set<base::NodeId> paced_;                               // pace_ has unreported data for these nodes
  std::map<std::pair<std::size_t, base::NodeId>, Sent> sent_;  // unanswered requests of this open()
};

/// Returns why bytes that match their CID are not a readable manifest.
base::Error to_error(ManifestError error);

}  // namespace troupe::files
