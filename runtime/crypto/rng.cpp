#include "runtime/crypto/rng.hpp"

#include <botan/rng.h>

namespace troupe::crypto {
namespace {

/// Ignores entropy from Botan's callers: it (time, addresses) would not replay.
class ChanceSource final : public Botan::RandomNumberGenerator {
 public:
  explicit ChanceSource(ports::Chance& chance) : chance_(chance) {}

  void randomize(std::uint8_t output[], std::size_t length) override { chance_.fill({output, length}); }
  void randomize_with_input(std::uint8_t output[], std::size_t length, const std::uint8_t[], std::size_t) override {
    randomize(output, length);
  }
  void randomize_with_ts_input(std::uint8_t output[], std::size_t length) override { randomize(output, length); }
  bool accepts_input() const override { return false; }
  void add_entropy(const std::uint8_t[], std::size_t) override {}
  std::size_t reseed(Botan::Entropy_Sources&, std::size_t, std::chrono::milliseconds) override { return 0; }
  void reseed_from_rng(Botan::RandomNumberGenerator&, std::size_t) override {}
  std::string name() const override { return "chance"; }
  void clear() override {}
  bool is_seeded() const override { return true; }

 private:
  ports::Chance& chance_;
};

}  // namespace

Rng::Rng(ports::Chance& chance) : source_(std::make_unique<ChanceSource>(chance)) {}
Rng::~Rng() = default;

}  // namespace troupe::crypto
