#include "actors/files/copy_actor.hpp"

#include "runtime/base/ensure.hpp"

namespace troupe::files {

void CopyActor::next() {
  while (begun_ < copies_.size() && refusing_.contains(copies_[begun_].target)) ++begun_;
  if (begun_ == copies_.size()) return finish();
  const Restore& copy = copies_[begun_++];
  open(copy.sources);
  want(copy.key);
  pump();
}

bool CopyActor::take(const ContentKey&, base::ByteView bytes) {
  const Restore& copy = copies_[begun_ - 1];
  close();
  ask<wire::StoreContent, wire::Stored>(
      holder(copy.target), now() + settings_.content_timeout,
      [&](wire::StoreContent::Builder out) {
        write(out.initClaim(), ClaimKind::file, {copy.cid.bytes});
        write(out.initContent(), copy.key);
        out.adoptBytes(borrow(out, bytes));
      },
      [this, &copy](runtime::Answer<wire::Stored> answer) {
        if (!answer.ok()) return refused(copy.target);
        ask<wire::CopyMade, messages::wire::Nothing>(
            catalogue_, now() + kCommitTimeout,
            [&](wire::CopyMade::Builder out) {
              out.setCid(data_of(copy.cid.view()));
              write(out.initContent(), copy.key);
              out.setNode(data_of(copy.target.view()));
            },
            [this](runtime::Answer<messages::wire::Nothing>) { next(); });
      });
  return false;
}

void CopyActor::check() const {
  Reading::check();
  base::ensure(begun_ > 0 && begun_ <= copies_.size(), "a copy actor has a copy to make");
  base::ensure(!refusing_.contains(copies_[begun_ - 1].target), "a node that refused a copy gets no further copy");
}

void CopyActor::refused(const base::NodeId& target) {
  refusing_.insert(target);
  tell<wire::CopyRefused>(catalogue_, [&](wire::CopyRefused::Builder out) { out.setNode(data_of(target.view())); });
  next();
}

}  // namespace troupe::files
