#pragma once

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "client/output/printable_text.h"

namespace distill::client {

/// A table of text cells, rendered for people (aligned columns) or programs (CSV, Markdown).
/// Owned by one thread.
class TextTable {
 public:
  enum class Align { kLeft, kRight };

  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit TextTable(std::vector<Column> columns);

  /// REQUIRES: as many cells as there are columns.
  void AddRow(std::vector<std::string> cells);

  /// Draws the beginning of a cell of the row added last in a colour, in Print() only.
  /// REQUIRES: the cell begins with `text.text`; one such cell a row.
  void Color(size_t column, const ColoredText& text);

  /// Aligned by display width, two spaces between columns, no borders, no trailing blanks; each
  /// cell as OneLine() has it.
  void Print(std::ostream& out) const;
  /// RFC 4180: cells with a comma, quote or line break are quoted.
  void PrintCsv(std::ostream& out) const;
  /// GitHub's form.
  void PrintMarkdown(std::ostream& out) const;
  /// A table element; cells are escaped, blanks at their start kept.
  void PrintHtml(std::ostream& out) const;

 private:
  const std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
  struct Tint {
    size_t column = 0;
    size_t length = 0;
    std::string color;
  };
  std::map<size_t, Tint> tints_;  // by row
};

/// Returns the number of characters (code points) of UTF-8 `text`.
size_t DisplayWidth(const std::string& text);

}  // namespace distill::client
