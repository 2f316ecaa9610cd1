#pragma once
// An actor that reads contents from their holders, in order and verified: the base of get, view, verify and copy.
//
// Use     open() with the candidates, want() the manifest or any content, then pump(). take() gets one content after
//         the other; a content that it does not take yet is offered again at the next pump().
// Seeks   a content that the first node asked does not give (this one, as a rule) is sought in the DHT; the candidates
//         are asked meanwhile.
// Limits  FetchLimits; contents are held in the messages that brought them.
#include <map>
#include <optional>
#include <vector>

#include "actors/files/files_part.hpp"

namespace troupe::files {

class Reading : public FilesPart {
 public:
  void check() const override;

 protected:
  using FilesPart::FilesPart;

  /// Begins anew: what was wanted before is forgotten.
  void open(std::vector<base::NodeId> candidates);
  void want(const ContentKey& key) { fetch_->want(key); }
  /// Passes on what has arrived and asks for what is missing. Nothing before open().
  void pump();
  /// The bytes were not what was expected: the reading ends.
  void close() { fetch_.reset(); }
  bool reading() const { return fetch_.has_value(); }
  std::uint64_t bad_answers() const { return bad_answers_; }

  /// The next content in order. False: it is to be offered again.
  virtual bool take(const ContentKey& key, base::ByteView bytes) = 0;
  /// A content cannot be had; the reading has ended.
  virtual void failed(FetchEnd why) = 0;

 private:
  void seek(const ContentKey& key);
  void send(const FetchQuestion& question);
  void answered(const FetchQuestion& question, runtime::Answer<wire::Fetched>& answer);

  std::optional<Fetch> fetch_;
  std::uint32_t opened_ = 0;  // answers to an earlier open() are late
  std::map<std::size_t, runtime::Envelope> arrived_;
  std::uint64_t bad_answers_ = 0;
};

/// Why bytes that fit their CID are no manifest that can be read.
base::Error to_error(ManifestError error);

}  // namespace troupe::files
