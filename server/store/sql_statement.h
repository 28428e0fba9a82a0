#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "server/job/sentence.h"

// Short forms for statements. All of them let SQLite::Exception pass: they run inside the body of
// SqliteDatabase::Read or Write, which catches it.

namespace distill::server {

/// Marks bytes that go into a BLOB column (a plain string goes into a TEXT column).
struct Blob {
  const std::string& bytes;
};

inline void BindOne(SQLite::Statement& statement, int index, int value) {
  statement.bind(index, value);
}
inline void BindOne(SQLite::Statement& statement, int index, int64_t value) {
  statement.bind(index, value);
}
inline void BindOne(SQLite::Statement& statement, int index, double value) {
  statement.bind(index, value);
}
inline void BindOne(SQLite::Statement& statement, int index, const std::string& value) {
  statement.bind(index, value);
}
inline void BindOne(SQLite::Statement& statement, int index, const Sentence& value) {
  statement.bind(index, value.stored());
}
inline void BindOne(SQLite::Statement& statement, int index, Blob value) {
  statement.bind(index, value.bytes.data(), static_cast<int>(value.bytes.size()));
}
inline void BindOne(SQLite::Statement& statement, int index, std::optional<int> value) {
  if (value) {
    statement.bind(index, *value);
  } else {
    statement.bind(index);
  }
}

/// Binds `values` to the parameters of `statement`, in order, after a reset.
template <typename... Values>
void BindAll(SQLite::Statement& statement, const Values&... values) {
  statement.reset();
  int index = 0;
  (BindOne(statement, ++index, values), ...);
}

/// Runs a statement that returns no rows. Returns how many rows it changed.
template <typename... Values>
int Execute(SQLite::Database& database, const char* sql, const Values&... values) {
  SQLite::Statement statement(database, sql);
  BindAll(statement, values...);
  return statement.exec();
}

/// Returns the first column of the first row, or nothing when there is no row.
template <typename... Values>
std::optional<int64_t> SelectInt(SQLite::Database& database, const char* sql,
                                 const Values&... values) {
  SQLite::Statement statement(database, sql);
  BindAll(statement, values...);
  if (!statement.executeStep()) return std::nullopt;
  return statement.getColumn(0).getInt64();
}

/// Reads the columns of a row from left to right.
class RowReader {
 public:
  explicit RowReader(SQLite::Statement& row) : row_(row) {}

  int Int() { return row_.getColumn(index_++).getInt(); }
  int64_t Int64() { return row_.getColumn(index_++).getInt64(); }
  double Double() { return row_.getColumn(index_++).getDouble(); }
  std::string Text() { return row_.getColumn(index_++).getString(); }
  Sentence ReadSentence() { return Sentence::FromStored(Text()); }
  /// NULL, as SQLite stores what is not a number, gives NaN.
  double DoubleOrNan() {
    const SQLite::Column column = row_.getColumn(index_++);
    return column.isNull() ? std::numeric_limits<double>::quiet_NaN() : column.getDouble();
  }
  std::optional<int> OptionalInt() {
    const SQLite::Column column = row_.getColumn(index_++);
    return column.isNull() ? std::nullopt : std::optional<int>(column.getInt());
  }
  template <typename Enum>
  Enum As() {
    return static_cast<Enum>(Int());
  }

 private:
  SQLite::Statement& row_;
  int index_ = 0;
};

}  // namespace distill::server
