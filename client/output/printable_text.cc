#include "client/output/printable_text.h"

#include <array>
#include <cstdint>
#include <cstdio>

namespace distill::client {
namespace {

std::string Hex(const char* format, uint32_t value) {
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return buffer.data();
}

// C1 controls, and what turns the direction of writing and so hides what stands there.
bool IsHarmful(uint32_t character) {
  return (character >= 0x80 && character <= 0x9F) || (character >= 0x202A && character <= 0x202E) ||
         (character >= 0x2066 && character <= 0x2069);
}

// Turns bytes that come in any pieces into printable text.
class Escaper {
 public:
  explicit Escaper(bool keeps_lines) : keeps_lines_(keeps_lines) {}

  void Append(std::string_view bytes, std::string& printable) {
    for (const char byte : bytes) Append(byte, printable);
  }

  // Appends what is left of a character that was cut off.
  void Finish(std::string& printable) {
    for (const char byte : pending_) {
      printable += Hex("\\x%02x", static_cast<unsigned char>(byte));
    }
    pending_.clear();
  }

 private:
  void Append(char byte, std::string& printable) {
    const auto value = static_cast<unsigned char>(byte);
    if (!pending_.empty() && (value & 0xC0U) == 0x80U) {
      pending_ += byte;
      if (pending_.size() == wanted_) AppendCharacter(printable);
      return;
    }
    Finish(printable);
    if (value < 0x80U) return AppendAscii(byte, printable);
    pending_ = byte;
    wanted_ = value >= 0xF0U ? 4 : value >= 0xE0U ? 3 : 2;
    if (value < 0xC2U || value > 0xF4U) Finish(printable);  // begins no character
  }

  void AppendAscii(char byte, std::string& printable) {
    if (byte == '\n' || byte == '\t') {
      printable += keeps_lines_ ? std::string(1, byte) : byte == '\n' ? "\\n" : "\\t";
    } else if (byte == '\r') {
      printable += "\\r";
    } else if (static_cast<unsigned char>(byte) < 0x20U || byte == '\x7f') {
      printable += Hex("\\u%04x", static_cast<unsigned char>(byte));
    } else {
      printable += byte;
    }
  }

  void AppendCharacter(std::string& printable) {
    static constexpr std::array<uint32_t, 5> kFirst = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t character = static_cast<unsigned char>(pending_[0]) & (0xFFU >> (wanted_ + 1));
    for (size_t i = 1; i < wanted_; ++i) {
      character = character << 6U | (static_cast<unsigned char>(pending_[i]) & 0x3FU);
    }
    const bool is_valid = character >= kFirst.at(wanted_) && character <= 0x10FFFF &&
                          (character < 0xD800 || character > 0xDFFF);
    if (!is_valid) return Finish(printable);
    printable += IsHarmful(character) ? Hex("\\u%04x", character) : pending_;
    pending_.clear();
  }

  const bool keeps_lines_;
  std::string pending_;  // the bytes of a character so far
  size_t wanted_ = 0;    // bytes that it has
};

class PrintableBuffer : public std::streambuf {
 public:
  explicit PrintableBuffer(std::streambuf* sink) : sink_(sink) {}

  // As it is. Returns whether all of it was taken.
  bool Pass(std::string_view bytes) {
    const auto size = static_cast<std::streamsize>(bytes.size());
    return sink_->sputn(bytes.data(), size) == size;
  }

  void Finish() {
    std::string rest;
    escaper_.Finish(rest);
    Pass(rest);
  }

 protected:
  int_type overflow(int_type byte) override {
    if (traits_type::eq_int_type(byte, traits_type::eof())) return traits_type::not_eof(byte);
    const char text = traits_type::to_char_type(byte);
    return xsputn(&text, 1) == 1 ? byte : traits_type::eof();
  }

  std::streamsize xsputn(const char* text, std::streamsize size) override {
    std::string printable;
    escaper_.Append({text, static_cast<size_t>(size)}, printable);
    return Pass(printable) ? size : 0;
  }

  int sync() override { return sink_->pubsync(); }

 private:
  std::streambuf* const sink_;
  Escaper escaper_{/*keeps_lines=*/true};
};

}  // namespace

std::string OneLine(std::string_view text) {
  Escaper escaper(/*keeps_lines=*/false);
  std::string line;
  escaper.Append(text, line);
  escaper.Finish(line);
  return line;
}

PrintableScope::PrintableScope(std::ostream& stream)
    : stream_(stream), sink_(stream.rdbuf()), buffer_(std::make_unique<PrintableBuffer>(sink_)) {
  stream_.rdbuf(buffer_.get());
}

PrintableScope::~PrintableScope() {
  static_cast<PrintableBuffer&>(*buffer_).Finish();
  const auto state = stream_.rdstate();  // which rdbuf() would clear
  stream_.rdbuf(sink_);
  stream_.setstate(state);
}

std::ostream& operator<<(std::ostream& out, const TerminalOrder& order) {
  auto* const buffer = dynamic_cast<PrintableBuffer*>(out.rdbuf());
  if (buffer == nullptr) return out << order.sequence;
  if (!buffer->Pass(order.sequence)) out.setstate(std::ios::badbit);
  return out;
}

std::ostream& operator<<(std::ostream& out, const ColoredText& text) {
  if (text.color.empty()) return out << text.text;
  return out << TerminalOrder{text.color} << text.text << TerminalOrder{kNoColor};
}

}  // namespace distill::client
