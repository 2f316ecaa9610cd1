#pragma once
// The computation of a spot check: a walk through a table of 1 MiB, in which each step needs the previous step.
//
// Shared  the program of the check (program.cpp) and the node that checks the result (logic/spot.cpp) compile this
//         file, so it needs no library.
// Source  SplitMix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", 2014) fills the table.
// Not     a hash, nor a proof that is cheaper to verify than to compute: the checking node computes it too.
#include <cstdint>

namespace troupe::task::spot {

inline constexpr std::uint32_t kTableWords = 1u << 17;
inline constexpr unsigned kSeedWords = 2, kAnswerWords = 4;

constexpr std::uint64_t turned(std::uint64_t value, unsigned bits) { return value << bits | value >> (64 - bits); }

/// `table` has kTableWords of any content.
inline void mix(std::uint64_t* table, const std::uint64_t (&seed)[kSeedWords], std::uint64_t rounds,
                std::uint64_t (&answer)[kAnswerWords]) {
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
  std::uint64_t state = seed[0];
  for (std::uint32_t i = 0; i < kTableWords; ++i) {
    state += kGolden;
    std::uint64_t word = state;
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    table[i] = word ^ word >> 31 ^ seed[1];
  }
  std::uint64_t a = seed[0], b = seed[1];
  for (std::uint64_t i = 0; i < rounds; ++i) {
    std::uint64_t& word = table[a % kTableWords];
    a = turned(a + word + i, 25) * kGolden;
    word ^= b;
    b = turned(b ^ a, 17) + word;
  }
  for (std::uint64_t& word : answer) word = a;
  for (std::uint32_t i = 0; i < kTableWords; ++i) {
    std::uint64_t& word = answer[i % kAnswerWords];
    word = turned((word ^ table[i]) * kGolden, 29) + b;
  }
}

}  // namespace troupe::task::spot
