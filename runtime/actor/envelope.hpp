#pragma once
// Every message between two actors: an immutable, reference-counted Cap'n Proto message with its header.
//
// Sent to a local actor it is a pointer; sent to a remote one the same words go on the wire as they are.
// Size    one allocation: header, then the words as capnp::messageToFlatArray lays them out.
// Safety  immutable after build(); copies may be read from any thread, each through a `Reading` of its own.
#include <capnp/message.h>
#include <capnp/serialize.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "messages/kinds.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"

namespace troupe::runtime {

/// What an envelope does in the conversation that its message id names.
enum class Signal : std::uint8_t {
  message,  ///< a tell, a question or an answer, by its message id
  open,     ///< a question that opens a stream
  error,    ///< an answer or the end of a stream: the words are a messages::wire::Error
  item,     ///< one item of a stream
  end,      ///< no more items in this direction; carries the answer where there is one
  cancel,   ///< the reader of a stream wants no more; no words
  credit,   ///< the reader of a stream grants more; see Header::credit_items
};

/// Marks an envelope whose words came from another process and were not checked against their schema.
enum class Origin : std::uint8_t { local, foreign };

/// The context that a message inherits from the one at hand.
struct Trace {
  std::uint64_t id = 0;    ///< zero: not traced
  std::uint32_t span = 0;  ///< of the sender's handler
};

/// Whether a message of that signal is the first of its conversation, and not a part of an open stream.
constexpr bool begins(Signal signal) { return signal == Signal::message || signal == Signal::open; }

struct Header {
  const messages::KindInfo* kind = nullptr;  ///< null for signals without words
  base::Instant due = base::Instant::max();  ///< of this node's monotonic clock; work later than this is dropped
  Trace trace;
  Signal signal = Signal::message;
  Origin origin = Origin::local;
  std::uint32_t credit_items = 0;  ///< with Signal::credit: items granted
  std::uint32_t credit_bytes = 0;  ///< with Signal::credit: bytes granted
};

class Envelope {
 public:
  Envelope() = default;
  Envelope(const Envelope& other) : frame_(other.frame_) {
    if (frame_ != nullptr) frame_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Envelope(Envelope&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Envelope& operator=(Envelope other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Envelope() {
    if (frame_ != nullptr && frame_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(frame_);
  }

  explicit operator bool() const { return frame_ != nullptr; }
  const Header& header() const { return frame_->header; }
  const messages::KindInfo* kind() const { return frame_->header.kind; }
  /// The type id of the words, or zero for a signal without words.
  std::uint64_t kind_id() const { return frame_->header.kind == nullptr ? 0 : frame_->header.kind->id; }
  /// The message as a flat array; empty for a signal without words.
  kj::ArrayPtr<const capnp::word> words() const { return {words_of(frame_), frame_->words}; }
  base::ByteView bytes() const {
    const auto flat = words().asBytes();
    return {flat.begin(), flat.size()};
  }

  /// When it came into the mailbox of its latest receiver, where that was noted; else zero. For those who follow it.
  base::Instant admitted() const {
    return base::Instant(base::Duration(frame_->admitted.load(std::memory_order_relaxed)));
  }
  void note_admitted(base::Instant at) const {
    frame_->admitted.store(at.since_origin().count(), std::memory_order_relaxed);
  }

  /// Builds a `T`, filled by `fill(T::Builder)`. `bytes`: about as many as it will have, where that is much; then it is
  /// built in its place, and copied only if it has more. Errors: ensure() if it is larger than its kind allows.
  template <class T, class Fill>
  static Envelope build(const Header& header, Fill&& fill, std::size_t bytes = 0) {
    Envelope out = build_if_fits<T>(header, std::forward<Fill>(fill), bytes);
    must_fit(out);
    return out;
  }
  /// The same; nothing if it is larger than its kind allows. For what follows from the words of others.
  template <class T, class Fill>
  static Envelope build_if_fits(Header header, Fill&& fill, std::size_t bytes = 0) {
    header.kind = &messages::kind_of<T>();
    using Layout = typename T::_capnpPrivate;
    constexpr bool kSizeIsKnown = Layout::pointerCount == 0;
    if (kSizeIsKnown || bytes > kScratchBytes) {
      Place place(kSizeIsKnown ? Layout::dataWordSize * sizeof(capnp::word) : bytes);
      fill(place.template initRoot<T>());
      return place.take(header);
    }
    Scratch scratch;
    fill(scratch.message().template initRoot<T>());
    return from_builder(header, scratch.message());
  }

  /// A signal without words.
  static Envelope bare(Header header);

  /// Takes words that came from elsewhere, a flat array whose segment table was checked. Copies them.
  static Envelope from_words(Header header, kj::ArrayPtr<const capnp::word> words);

  /// Counts the memory of envelopes from when they are charged to it until they are freed.
  class Account {
   public:
    virtual ~Account() = default;
    /// In the thread that let go of the envelope last. `bytes`: of its words.
    virtual void freed(std::size_t bytes) noexcept = 0;
  };
  /// Tells `account` once the last copy of this envelope is gone. For an envelope that was just made: nothing else may
  /// have a copy of it. It is charged once.
  void charge(std::shared_ptr<Account> account);

  class Room;
  /// The words that lie in `room`, every one of which was written. Copies nothing.
  static Envelope from_room(Header header, Room room);

  /// The same words under another header (one copy of them).
  Envelope with(Header header) const { return from_words(header, words()); }

  /// Reads one envelope, during one handler. Its traversal limit is proportional to the message, so that a
  /// message whose pointers share a part cannot make us read for ever. Throws kj::Exception on broken pointers.
  template <class T>
  class Reading {
   public:
    explicit Reading(const Envelope& envelope)
        : message_(envelope.words(), {envelope.frame_->words * kReadsMax + kReadsFree, kNestingMax}) {}
    typename T::Reader root() { return message_.template getRoot<T>(); }

   private:
    capnp::FlatArrayMessageReader message_;
  };

 private:
  static constexpr std::size_t kScratchBytes = 4096;  // our choice: nearly every message fits into its first segment
  static constexpr std::uint64_t kReadsMax = 8;       // our choice: a handler may read each part a few times
  static constexpr std::uint64_t kReadsFree = 128;    // words; default values are read as well
  static constexpr int kNestingMax = 32;              // our choice: no schema of ours nests deeper than 8

  struct Frame {
    std::atomic<std::uint32_t> references{1};
    std::uint32_t words = 0;
    mutable std::atomic<std::int64_t> admitted{0};
    Header header;
    std::shared_ptr<Account> account;
  };

  /// A message builder whose first segment is this thread's scratch, unless a build is under way there already.
  class Scratch {
   public:
    Scratch();
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    capnp::MallocMessageBuilder& message() { return *reinterpret_cast<capnp::MallocMessageBuilder*>(space_); }

   private:
    bool shared_;
    alignas(capnp::MallocMessageBuilder) std::byte space_[sizeof(capnp::MallocMessageBuilder)];
  };

  /// A message builder whose first segment is that of the envelope to come.
  class Place final : public capnp::MessageBuilder {
   public:
    explicit Place(std::size_t bytes);
    ~Place() override;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    kj::ArrayPtr<capnp::word> allocateSegment(unsigned words_min) override;
    Envelope take(const Header& header);

   private:
    Frame* frame_;
    bool begun_ = false;                          // its words are the first segment
    std::vector<std::vector<capnp::word>> more_;  // segments, of a message with more than was said
  };

  explicit Envelope(Frame* frame) : frame_(frame) {}
  static void must_fit(const Envelope& built);
  static Envelope from_builder(const Header& header, capnp::MessageBuilder& message);
  static Frame* allocate(const Header& header, std::size_t words);
  static void destroy(Frame* frame);
  static capnp::word* words_of(Frame* frame) { return reinterpret_cast<capnp::word*>(frame + 1); }

  Frame* frame_ = nullptr;
};

/// Memory for the words of an envelope to come, which arrive piece by piece.
class Envelope::Room {
 public:
  explicit Room(std::size_t words) : envelope_(allocate({}, words)) {}
  Room(Room&&) noexcept = default;
  Room& operator=(Room&&) noexcept = default;
  ~Room() = default;

  /// All of it; not initialised.
  std::span<std::uint8_t> bytes();
  /// Room for more, with what was written.
  void grow(std::size_t words);

 private:
  friend class Envelope;
  Envelope envelope_;
};

/// An error as an envelope: answers a question or ends a stream.
Envelope error_envelope(const base::Error& error, Header header = {});

/// The error that an envelope with Signal::error carries; `internal` where its words are broken.
base::Error read_error(const Envelope& envelope);

}  // namespace troupe::runtime
