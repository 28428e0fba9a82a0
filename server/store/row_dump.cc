#include "server/store/row_dump.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <string_view>
#include <utility>
#include <vector>

#include "core/base/sha256.h"
#include "server/store/sql_statement.h"

namespace distill::server::row_dump {
namespace {

constexpr std::string_view kHead = "-- distilld record 1, sha256 ";

std::vector<std::string> Texts(SQLite::Database& database, const std::string& sql) {
  std::vector<std::string> texts;
  SQLite::Statement query(database, sql);
  while (query.executeStep()) texts.push_back(query.getColumn(0).getString());
  return texts;
}

// The tables that refer to jobs, with the column that does.
std::vector<std::pair<std::string, std::string>> TablesOfJobs(SQLite::Database& control) {
  std::vector<std::pair<std::string, std::string>> tables;
  SQLite::Statement query(control,
                          "SELECT DISTINCT tables.name, keys.\"from\" FROM sqlite_schema AS tables"
                          " JOIN pragma_foreign_key_list(tables.name) AS keys"
                          " WHERE tables.type = 'table' AND keys.\"table\" = 'job'"
                          " ORDER BY tables.name");
  while (query.executeStep()) {
    tables.emplace_back(query.getColumn(0).getString(), query.getColumn(1).getString());
  }
  return tables;
}

// NOLINTNEXTLINE(readability-function-size): SQLite's form
int AllowInsertOnly(void*, int action, const char* table, const char*, const char*, const char*) {
  const bool is_ours = table == nullptr || std::string_view(table).substr(0, 7) != "sqlite_";
  return (action == SQLITE_INSERT && is_ours) || action == SQLITE_READ ? SQLITE_OK : SQLITE_DENY;
}

// Holds a connection to INSERTs for the life of a scope.
class OnlyInserts {
 public:
  explicit OnlyInserts(SQLite::Database& database) : database_(database) {
    ::sqlite3_set_authorizer(database_.getHandle(), AllowInsertOnly, nullptr);
  }
  ~OnlyInserts() { ::sqlite3_set_authorizer(database_.getHandle(), nullptr, nullptr); }
  OnlyInserts(const OnlyInserts&) = delete;
  OnlyInserts& operator=(const OnlyInserts&) = delete;

 private:
  SQLite::Database& database_;
};

}  // namespace

std::string WithHead(const std::string& sql) {
  if (sql.empty()) return "";
  return std::string(kHead) + Sha256Hex(sql) + "\n" + sql;
}

Dumper::Dumper(SQLite::Database& control) {
  of_job_.push_back(TextOf(control, "job", "id = ?1"));
  for (const auto& [table, column] : TablesOfJobs(control)) {
    of_job_.push_back(TextOf(control, table, column + " = ?1"));
  }
  of_job_.push_back(
      TextOf(control, "request", "id IN (SELECT request FROM request_job WHERE job = ?1)"));
  of_job_.push_back(TextOf(control, "request_job", "job = ?1"));
  of_dataset_ = TextOf(control, "dataset", "id = ?1");
}

Dumper::TableText Dumper::TextOf(SQLite::Database& control, const std::string& table,
                                 const std::string& condition) {
  std::string names;
  std::string values;
  for (const std::string& column :
       Texts(control, "SELECT name FROM pragma_table_info('" + table + "')")) {
    names += (names.empty() ? "" : ", ") + column;
    values += (values.empty() ? "" : " || ', ' || ") + ("quote(" + column + ")");
  }
  return {"SELECT " + values + " FROM " + table + " WHERE " + condition,
          "INSERT OR IGNORE INTO " + table + " (" + names + ") VALUES ("};
}

void Dumper::Append(SQLite::Database& control, const TableText& table, int64_t id,
                    std::string& sql) {
  SQLite::Statement query(control, table.select);
  BindAll(query, id);
  while (query.executeStep()) {
    sql.append(table.insert).append(query.getColumn(0).getString()).append(");\n");
  }
}

std::string Dumper::Job(SQLite::Database& control, JobId id) const {
  std::string sql;
  for (const TableText& table : of_job_) {
    Append(control, table, id, sql);
    if (sql.empty()) return "";
  }
  return WithHead(sql);
}

std::string Dumper::Dataset(SQLite::Database& control, int64_t id) const {
  std::string sql;
  Append(control, of_dataset_, id, sql);
  return WithHead(sql);
}

Status Restore(SQLite::Database& control, const std::string& record) {
  const size_t head_end = record.find('\n');
  if (record.compare(0, kHead.size(), kHead) != 0 || head_end == std::string::npos) {
    return {Code::kDataLoss, "this is no record"};
  }
  const std::string sql = record.substr(head_end + 1);
  if (record.substr(kHead.size(), head_end - kHead.size()) != Sha256Hex(sql)) {
    return {Code::kDataLoss, "the record is damaged, its sum is wrong"};
  }
  const OnlyInserts guard(control);
  control.exec(sql);
  return Status::Ok();
}

}  // namespace distill::server::row_dump
