#pragma once

#include <ostream>
#include <string>
#include <vector>

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

  /// Aligned by display width, two spaces between columns, no borders, no trailing blanks.
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
};

/// Returns the number of characters (code points) of UTF-8 `text`.
size_t DisplayWidth(const std::string& text);

}  // namespace distill::client
