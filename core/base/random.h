#pragma once

#include <cstdint>

namespace distill {

/// Mixes 64 bits so that near inputs give unrelated outputs (finaliser of SplitMix64, Steele et al.
/// 2014, "Fast splittable pseudorandom number generators").
constexpr uint64_t MixBits(uint64_t value) {
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

/// A small random generator whose whole state is one number: the stream is a pure function of the
/// seed, whatever thread or machine draws it. Satisfies UniformRandomBitGenerator.
/// Thread-compatible.
class Random {
 public:
  using result_type = uint64_t;

  explicit constexpr Random(uint64_t seed) : state_(MixBits(seed)) {}

  /// Returns the generator of one place in a run: `stream` tells apart what is drawn there.
  static constexpr Random For(uint64_t seed, uint64_t epoch, uint64_t index, uint64_t stream = 0) {
    return Random(MixBits(MixBits(MixBits(seed) ^ epoch) ^ index) ^ MixBits(stream));
  }

  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return ~uint64_t{0}; }

  constexpr uint64_t operator()() {
    const uint64_t result = MixBits(state_);
    state_ += 0x9E3779B97F4A7C15ULL;
    return result;
  }

  /// Returns a number in [0, 1) with 53 random bits.
  constexpr double Uniform() { return static_cast<double>((*this)() >> 11U) * 0x1.0p-53; }

  /// Returns a number in [low, high).
  constexpr double Uniform(double low, double high) { return low + (high - low) * Uniform(); }

  /// Returns an integer in [0, bound). REQUIRES: bound > 0.
  constexpr uint64_t Below(uint64_t bound) {
    const uint64_t limit = max() - max() % bound;
    uint64_t value = (*this)();
    while (value >= limit) value = (*this)();
    return value % bound;
  }

  /// Returns true with the given probability.
  constexpr bool Chance(double probability) { return Uniform() < probability; }

 private:
  uint64_t state_;
};

}  // namespace distill
