#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "server/job/job.h"

namespace SQLite {
class Database;
}

/// Records: the rows of control.db that belong to one job or data set, as SQL that makes them
/// again. A record lies beside what it is about (runs/<job>/record.sql, datasets/<id>/record.sql),
/// so that a lost database can be rebuilt. The functions that take a database let SQLite::Exception
/// pass.
namespace distill::server::row_dump {

/// What a database's schema says of jobs and data sets, read once: each submit writes a record.
/// Thread-safe.
class Dumper {
 public:
  explicit Dumper(SQLite::Database& control);

  /// Returns the record of a job: its row, those of every table that refers to it, and the request
  /// that made it. "" = no such job.
  std::string Job(SQLite::Database& control, JobId id) const;

  /// Returns the record of a data set; "" = no such data set.
  std::string Dataset(SQLite::Database& control, int64_t id) const;

 private:
  // How the rows of one table that belong to ?1 become text.
  struct TableText {
    std::string select;
    std::string insert;  // "INSERT ... VALUES ("
  };
  static TableText TextOf(SQLite::Database& control, const std::string& table,
                          const std::string& condition);
  static void Append(SQLite::Database& control, const TableText& table, int64_t id,
                     std::string& sql);

  std::vector<TableText> of_job_;  // its own row first
  TableText of_dataset_;
};

/// Returns `sql` as a record, with its sum.
std::string WithHead(const std::string& sql);

/// Makes the rows of `record` again; those that exist stay as they are, and so a row whose name
/// another one has is left out, the caller looks. Runs in the caller's
/// transaction. Nothing but an INSERT is carried out, whatever the record says.
/// kDataLoss: it is damaged (its sum is wrong); nothing is changed then.
Status Restore(SQLite::Database& control, const std::string& record);

}  // namespace distill::server::row_dump
