#pragma once

#include <memory>
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace distill::client {

/// Returns `text` fit for one line: control characters (line breaks and tabs too, and U+0080 to
/// U+009F), those that turn the direction of writing, and bytes that are no UTF-8 stand there as
/// escapes: "\n", "\u001b", "\x9b".
std::string OneLine(std::string_view text);

/// While it lives, what is written to `stream` comes out printable: as OneLine(), but line breaks
/// and tabs stay. All of the client's output goes through one, since any of it may hold what others
/// wrote. JSON keeps its meaning, as its strings have the same escapes. `stream` must outlive it.
class PrintableScope {
 public:
  explicit PrintableScope(std::ostream& stream);
  ~PrintableScope();
  PrintableScope(const PrintableScope&) = delete;
  PrintableScope& operator=(const PrintableScope&) = delete;

 private:
  std::ostream& stream_;
  std::streambuf* const sink_;
  const std::unique_ptr<std::streambuf> buffer_;
};

/// What the client itself makes of terminal's orders (a colour, an erased line): printed as it is,
/// in a PrintableScope too. Never of text that came from elsewhere.
struct TerminalOrder {
  std::string_view sequence;
};
std::ostream& operator<<(std::ostream& out, const TerminalOrder& order);

inline constexpr std::string_view kNoColor = "\x1b[0m";

/// Text in a colour: a terminal's order, or "" for none.
struct ColoredText {
  std::string text;
  std::string_view color;
};
std::ostream& operator<<(std::ostream& out, const ColoredText& text);

}  // namespace distill::client
