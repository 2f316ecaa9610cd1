#pragma once
// Every message between two actors: an immutable, reference-counted Cap'n Proto message with its header.
//
// A local actor gets a pointer to it. For a remote actor the same words are sent unchanged.
// Size    one allocation: header, then the words as capnp::messageToFlatArray lays them out.
// Safety  immutable after build(); any thread may read a copy, each through its own `Reading`.
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

/// The function of an envelope in the conversation that its message id names.
enum class Signal : std::uint8_t {
  message,  ///< a tell, a request or a response, by its message id
  open,     ///< a request that opens a stream
  error,    ///< a response or the end of a stream: the words are a messages::wire::Error
  item,     ///< one item of a stream
  end,      ///< no more items in this direction; includes the response if there is one
  cancel,   ///< the reader of a stream stops it; no words
  credit,   ///< the reader of a stream grants more; see Header::credit_items
};

/// Marks an envelope whose words came from another process and were not checked against their schema.
enum class Origin : std::uint8_t { local, foreign };

/// The context that a message inherits from the current message.
struct Trace {
  std::uint64_t id = 0;    ///< zero: not traced
  std::uint32_t span = 0;  ///< the span of the sender's handler
};

/// Whether a message with `signal` begins a conversation, and is not part of an open stream.
constexpr bool begins(Signal signal) { return signal == Signal::message || signal == Signal::open; }

struct Header {
  const messages::KindInfo* kind = nullptr;  ///< null for signals without words
  base::Instant due = base::Instant::max();  ///< on this node's monotonic clock; later work is dropped
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
  /// Returns the type id of the words, or zero for a signal without words.
  std::uint64_t kind_id() const { return frame_->header.kind == nullptr ? 0 : frame_->header.kind->id; }
  /// Returns the message as a flat array; empty for a signal without words.
  kj::ArrayPtr<const capnp::word> words() const { return {words_of(frame_), frame_->words}; }
  base::ByteView bytes() const {
    const auto flat = words().asBytes();
    return {flat.begin(), flat.size()};
  }

  /// Returns when the envelope entered the mailbox of its latest receiver, or zero if that was not recorded. For taps.
  base::Instant admitted() const {
    return base::Instant(base::Duration(frame_->admitted.load(std::memory_order_relaxed)));
  }
  void note_admitted(base::Instant at) const {
    frame_->admitted.store(at.since_origin().count(), std::memory_order_relaxed);
  }

  /// Builds a `T`, filled by `fill(T::Builder)`. `bytes`: the approximate size of a large message, which is then built
  /// in place, and copied only if it turns out larger. Errors: ensure() if the message is too large for its kind.
  template <class T, class Fill>
  static Envelope build(const Header& header, Fill&& fill, std::size_t bytes = 0) {
    Envelope out = build_if_fits<T>(header, std::forward<Fill>(fill), bytes);
    must_fit(out);
    return out;
  }
  /// Does the same, but returns an empty envelope if the message is too large for its kind. For messages that depend on
  /// untrusted input.
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

  /// Returns a signal without words.
  static Envelope bare(Header header);

  /// Copies foreign words: a flat array whose segment table was checked.
  static Envelope from_words(Header header, kj::ArrayPtr<const capnp::word> words);

  /// Counts the memory of envelopes, from charge() until they are freed.
  class Account {
   public:
    virtual ~Account() = default;
    /// Runs in the thread that released the envelope last. `bytes`: size of its words.
    virtual void freed(std::size_t bytes) noexcept = 0;
  };
  /// Notifies `account` when the last copy of this envelope is gone. Call once, for a new envelope without copies.
  void charge(std::shared_ptr<Account> account);

  class Room;
  /// Returns an envelope of the words in `room`, all of which must have been written. Copies nothing.
  static Envelope from_room(Header header, Room room);

  /// Returns the same words under another header. Copies the words once.
  Envelope with(Header header) const { return from_words(header, words()); }

  /// Reads one envelope, during one handler. Its traversal limit is proportional to the message, so that a message
  /// whose pointers share a part cannot make this node read forever. Throws kj::Exception on broken pointers.
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
  static constexpr std::uint64_t kReadsFree = 128;    // words in addition, because default values are read as well
  static constexpr int kNestingMax = 32;              // our choice: our schemas nest at most 8 deep

  struct Frame {
    std::atomic<std::uint32_t> references{1};
    std::uint32_t words = 0;
    mutable std::atomic<std::int64_t> admitted{0};
    Header header;
    std::shared_ptr<Account> account;
  };

  /// A message builder whose first segment is this thread's scratch memory, unless that is in use by another build.
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

  /// A message builder whose first segment is in the future envelope.
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
    bool begun_ = false;                          // whether the first segment has been handed out
    std::vector<std::vector<capnp::word>> more_;  // segments, if a message is larger than announced
  };

  explicit Envelope(Frame* frame) : frame_(frame) {}
  static void must_fit(const Envelope& built);
  static Envelope from_builder(const Header& header, capnp::MessageBuilder& message);
  static Frame* allocate(const Header& header, std::size_t words);
  static void destroy(Frame* frame);
  static capnp::word* words_of(Frame* frame) { return reinterpret_cast<capnp::word*>(frame + 1); }

  Frame* frame_ = nullptr;
};

/// Memory for the words of a future envelope, which arrive piece by piece.
class Envelope::Room {
 public:
  explicit Room(std::size_t words) : envelope_(allocate({}, words)) {}
  Room(Room&&) noexcept = default;
  Room& operator=(Room&&) noexcept = default;
  ~Room() = default;

  /// Returns all its bytes; new bytes are not initialised.
  std::span<std::uint8_t> bytes();
  /// Enlarges the memory and keeps the written words.
  void grow(std::size_t words);

 private:
  friend class Envelope;
  Envelope envelope_;
};

/// Returns an error as an envelope: a response, or the end of a stream.
Envelope error_envelope(const base::Error& error, Header header = {});

/// Returns the error in an envelope with Signal::error; `internal` if its words are broken.
base::Error read_error(const Envelope& envelope);

}  // namespace troupe::runtime
