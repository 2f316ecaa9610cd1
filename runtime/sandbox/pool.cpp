#include "runtime/sandbox/pool.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "runtime/sandbox/identity.hpp"

namespace troupe::sandbox {
namespace {

Spec shape_of(const Spec& spec) {
  Spec out = spec;
  out.command.clear();
  out.environment.clear();
  out.outputs.clear();
  out.directory.clear();
  std::erase_if(out.binds, on_disk);
  return out;
}

/// Returns which files its paths name now: another folder with the same name is a different root.
std::vector<std::vector<std::uint64_t>> files_of(const Spec& shape) {
  std::vector<std::string> paths;
  if (shape.root) paths.push_back(*shape.root);
  for (const Bind& bind : shape.binds) paths.push_back(bind.from);
  std::vector<std::vector<std::uint64_t>> out;
  for (const std::string& path : paths) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) status = {};
    out.push_back({status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_mtim.tv_sec),
                   static_cast<std::uint64_t>(status.st_mtim.tv_nsec)});
  }
  return out;
}

}  // namespace

std::unique_ptr<Sandbox> Pool::take(const Spec& spec, Streams& streams, base::Instant now) {
  if (!spec.hosts.empty() || spec.inside.run != nullptr || mappable() != Ids::two) return nullptr;
  Shape& shape = remember(shape_of(spec), now);
  if (!shape.ready.empty() && shape.files != files_of(shape.spec)) shape.ready.clear();
  while (!shape.ready.empty()) {
    std::unique_ptr<Sandbox> next = std::move(shape.ready.front());
    shape.ready.pop_front();
    next->step(now);
    if (next->go(spec, streams, now)) return next;
  }
  return nullptr;
}

Pool::Shape& Pool::remember(Spec spec, base::Instant now) {
  const auto known = std::ranges::find(shapes_, spec, &Shape::spec);
  if (known != shapes_.end()) {
    known->asked_before = known->asked;
    known->asked = now;
    std::rotate(shapes_.begin(), known, known + 1);
    return shapes_.front();
  }
  if (shapes_.size() == kShapesMax) shapes_.pop_back();
  shapes_.push_front({.spec = std::move(spec), .asked = now, .asked_before = now - kReadyKept});
  return shapes_.front();
}

base::Instant Pool::due(base::Instant now) const {
  base::Instant out = base::Instant::max();
  for (const Shape& shape : shapes_) {
    if (shape.lacks()) out = std::min(out, now + kReadyQuiet);
    out = std::min(out, shape.asked + kReadyKept);
  }
  return out;
}

void Pool::fill(base::Instant now) {
  std::erase_if(shapes_, [now](const Shape& shape) { return now >= shape.asked + kReadyKept; });
  for (Shape& shape : shapes_) {
    if (!shape.lacks()) continue;
    if (shape.ready.empty()) shape.files = files_of(shape.spec);
    auto made = Sandbox::make_ahead(shape.spec, places_, now);
    if (made.ok()) shape.ready.push_back(std::move(made).value());
    else shape.failed = true;
    return;
  }
}

}  // namespace troupe::sandbox
