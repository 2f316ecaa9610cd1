#include "actors/audit/logic/head.hpp"

#include "runtime/base/fields.hpp"

namespace troupe::audit {

base::Bytes Head::encode() const {
  base::Bytes out;
  base::append_number(out, first);
  base::append(out, first_prev.view());
  base::append_number(out, last.seq);
  base::append(out, last.hash.view());
  return out;
}

std::optional<Head> Head::decode(base::ByteView bytes) {
  base::FieldReader from(bytes);
  Head out;
  out.first = from.number<std::uint64_t>();
  out.first_prev = from.fixed<base::Digest>();
  out.last.seq = from.number<std::uint64_t>();
  out.last.hash = from.fixed<base::Digest>();
  if (!from.ended() || out.first == 0 || out.first > out.last.seq + 1) return std::nullopt;
  return out;
}

void Verifier::take(std::string_view text) {
  if (bad_) return;
  const auto line = parse_line(text);
  // A crash may have left a file that was to be removed.
  if (line && line->mark.seq < head_.first && records_ == 0) return;
  if (!line || line->mark.seq != at_.seq + 1 || line->prev != at_.hash) {
    bad_ = at_.seq + 1;
    return;
  }
  at_ = line->mark;
  ++records_;
  if (at_.seq == head_.last.seq && at_.hash != head_.last.hash) bad_ = at_.seq;
}

std::optional<std::uint64_t> Verifier::bad() const {
  if (bad_) return bad_;
  return at_.seq < head_.last.seq ? std::optional(at_.seq + 1) : std::nullopt;
}

}  // namespace troupe::audit
