#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace distill::core {

/// Reads little-endian numbers and runs of bytes from `bytes`, never past their end. Refers to
/// `bytes`, which must outlive it. Owned by one thread.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes, size_t position = 0)
      : bytes_(bytes), position_(position < bytes.size() ? position : bytes.size()) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  /// Takes `count` bytes. Returns false, and takes nothing, where fewer are left.
  bool Take(uint64_t count, std::string_view& out) {
    if (count > remaining()) return false;
    out = bytes_.substr(position_, static_cast<size_t>(count));
    position_ += static_cast<size_t>(count);
    return true;
  }

  /// Takes one number. Returns false, and takes nothing, where too few bytes are left.
  template <typename Number>
  bool Take(Number& out) {
    static_assert(std::is_integral<Number>::value, "whole numbers only");
    std::string_view raw;
    if (!Take(sizeof(Number), raw)) return false;
    std::memcpy(&out, raw.data(), sizeof(Number));
    return true;
  }

  /// Takes up to and including the next newline; `out` is what stands before it.
  bool TakeLine(std::string_view& out) {
    const size_t end = bytes_.find('\n', position_);
    if (end == std::string_view::npos) return false;
    out = bytes_.substr(position_, end - position_);
    position_ = end + 1;
    return true;
  }

 private:
  std::string_view bytes_;
  size_t position_;
};

}  // namespace distill::core
