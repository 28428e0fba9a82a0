#include "client/output/text_table.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "client/output/html_text.h"

namespace distill::client {
namespace {

using Row = std::vector<std::string>;

std::string Padded(const std::string& cell, size_t width, TextTable::Align align) {
  const std::string blanks(width - std::min(width, DisplayWidth(cell)), ' ');
  return align == TextTable::Align::kRight ? blanks + cell : cell + blanks;
}

std::string CsvCell(const std::string& cell) {
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string MarkdownCell(const std::string& cell) {
  std::string escaped;
  for (const char c : cell) {
    if (c == '|') escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  // Leading blanks (the indentation of students) would vanish.
  const size_t indentation = escaped.find_first_not_of(' ');
  if (indentation == std::string::npos || indentation == 0) return escaped;
  std::string indented;
  for (size_t count = 0; count < indentation; ++count) indented += "&nbsp;";
  return indented + escaped.substr(indentation);
}

}  // namespace

size_t DisplayWidth(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;  // not a continuation byte
  }));
}

TextTable::TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

void TextTable::AddRow(std::vector<std::string> cells) {
  assert(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

void TextTable::Color(size_t column, const ColoredText& text) {
  if (text.color.empty()) return;
  tints_[rows_.size() - 1] = {column, text.text.size(), std::string(text.color)};
}

void TextTable::Print(std::ostream& out) const {
  std::vector<Row> rows(1);  // the titles
  for (const Column& column : columns_) rows[0].push_back(OneLine(column.title));
  for (const Row& row : rows_) {
    Row& printable = rows.emplace_back();
    for (const std::string& cell : row) printable.push_back(OneLine(cell));
  }
  std::vector<size_t> widths(columns_.size());
  for (const Row& row : rows) {
    for (size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], DisplayWidth(row[column]));
    }
  }
  for (size_t index = 0; index < rows.size(); ++index) {
    const auto tint = index == 0 ? tints_.end() : tints_.find(index - 1);
    std::string line;
    size_t place = 0;  // of the cell in colour
    for (size_t column = 0; column < columns_.size(); ++column) {
      if (column > 0) line += "  ";
      if (tint != tints_.end() && tint->second.column == column) place = line.size();
      line += Padded(rows[index][column], widths[column], columns_[column].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    if (tint == tints_.end()) {
      out << line << '\n';
    } else {
      const std::string text = line.substr(place, tint->second.length);
      out << line.substr(0, place) << ColoredText{text, tint->second.color}
          << line.substr(place + text.size()) << '\n';
    }
  }
}

void TextTable::PrintCsv(std::ostream& out) const {
  for (size_t column = 0; column < columns_.size(); ++column) {
    out << (column > 0 ? "," : "") << CsvCell(columns_[column].title);
  }
  out << '\n';
  for (const Row& row : rows_) {
    for (size_t column = 0; column < row.size(); ++column) {
      out << (column > 0 ? "," : "") << CsvCell(row[column]);
    }
    out << '\n';
  }
}

void TextTable::PrintMarkdown(std::ostream& out) const {
  for (const Column& column : columns_) out << "| " << MarkdownCell(column.title) << ' ';
  out << "|\n";
  for (const Column& column : columns_) {
    out << (column.align == Align::kRight ? "|---:" : "|---");
  }
  out << "|\n";
  for (const Row& row : rows_) {
    for (const std::string& cell : row) out << "| " << MarkdownCell(cell) << ' ';
    out << "|\n";
  }
}

void TextTable::PrintHtml(std::ostream& out) const {
  const auto print_row = [&](const Row& row, const std::string& tag) {
    out << "<tr>";
    for (size_t column = 0; column < row.size(); ++column) {
      const bool is_number = columns_[column].align == Align::kRight;
      out << "<" << tag << (is_number ? " class=\"n\"" : " class=\"text\"") << ">"
          << HtmlText(row[column]) << "</" << tag << ">";
    }
    out << "</tr>\n";
  };
  Row titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  out << "<table><thead>";
  print_row(titles, "th");
  out << "</thead><tbody>\n";
  for (const Row& row : rows_) print_row(row, "td");
  out << "</tbody></table>\n";
}

}  // namespace distill::client
